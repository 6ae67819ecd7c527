/* SPDX-License-Identifier: Apache-2.0 */
/* The console of attached containers: the shell's while one of its commands runs,
 * else the system's. */
#include "console.h"

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#ifdef CONFIG_OCRE_SHELL
#include <zephyr/shell/shell.h>
#include <zephyr/sys/ring_buffer.h>

#define CTRL_C 0x03
#define CTRL_D 0x04

RING_BUF_DECLARE(typed, 64);
static struct k_spinlock lock;
static const struct shell *attached;
static bool ended;

void ocre_console_attach(const struct shell *shell)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	attached = shell;
	ended = false;
	ring_buf_reset(&typed);
	k_spin_unlock(&lock, key);
}

/* The shell's thread is in the calling command, so no other one reads the input
 * meanwhile. */
bool ocre_console_interrupted(const struct shell *shell)
{
	uint8_t byte;
	size_t count = 0;

	while (shell->iface->api->read(shell->iface, &byte, 1, &count) == 0 && count == 1) {
		k_spinlock_key_t key;

		if (byte == CTRL_C) {
			return true;
		}
		key = k_spin_lock(&lock);
		if (byte == CTRL_D) {
			ended = true;
		} else {
			byte = byte == '\r' ? '\n' : byte;
			/* Input that a guest does not read in time is lost. */
			(void)ring_buf_put(&typed, &byte, 1);
		}
		k_spin_unlock(&lock, key);
		count = 0;
	}
	return false;
}

void ocre_port_console_write(uint32_t stream, const uint8_t *bytes, uint32_t count)
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	const struct shell *shell = attached;

	k_spin_unlock(&lock, key);
	if (shell != NULL) {
		shell_fprintf(shell, stream == 2 ? SHELL_WARNING : SHELL_NORMAL, "%.*s",
			      (int)count, (const char *)bytes);
	} else {
		printk("%.*s", (int)count, (const char *)bytes);
	}
}

int32_t ocre_port_console_read(uint8_t *buffer, uint32_t bytes)
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	int32_t count = (int32_t)ring_buf_get(&typed, buffer, bytes);
	bool over = attached == NULL || ended;

	k_spin_unlock(&lock, key);
	return count == 0 && !over ? -1 : count;
}

#else

void ocre_port_console_write(uint32_t stream, const uint8_t *bytes, uint32_t count)
{
	ARG_UNUSED(stream);
	printk("%.*s", (int)count, (const char *)bytes);
}

int32_t ocre_port_console_read(uint8_t *buffer, uint32_t bytes)
{
	ARG_UNUSED(buffer);
	ARG_UNUSED(bytes);
	return 0;
}

#endif
