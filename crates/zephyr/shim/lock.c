/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include <stdbool.h>
#include <zephyr/kernel.h>

struct lock {
	bool ready;
	struct k_mutex mutex;
};

BUILD_ASSERT(sizeof(struct lock) <= OCRE_PORT_LOCK_WORDS * sizeof(uintptr_t));

static struct k_spinlock first;

static struct k_mutex *mutex_of(uintptr_t *memory)
{
	struct lock *lock = (struct lock *)memory;

	K_SPINLOCK(&first) {
		if (!lock->ready) {
			(void)k_mutex_init(&lock->mutex);
			lock->ready = true;
		}
	}
	return &lock->mutex;
}

void ocre_port_lock(uintptr_t *memory)
{
	struct k_mutex *mutex = mutex_of(memory);

	(void)k_mutex_lock(mutex, K_FOREVER);
	/* Zephyr lets a thread in again, where Rust relies on its being alone. */
	if (mutex->lock_count > 1) {
		k_panic();
	}
}

int32_t ocre_port_try_lock(uintptr_t *memory)
{
	struct k_mutex *mutex = mutex_of(memory);

	if (k_mutex_lock(mutex, K_NO_WAIT) != 0) {
		return 0;
	}
	if (mutex->lock_count > 1) {
		(void)k_mutex_unlock(mutex);
		return 0;
	}
	return 1;
}

void ocre_port_unlock(uintptr_t *memory)
{
	(void)k_mutex_unlock(&((struct lock *)memory)->mutex);
}
