/* SPDX-License-Identifier: Apache-2.0 */
#include "power.h"

#include <errno.h>
#include <stddef.h>
#include <zephyr/storage/flash_map.h>

/* Larger than each test needs. */
#define NEVER INT32_MAX

static int32_t operations_left = NEVER;
static bool is_off, is_unreadable;

void power_cut_at(uint32_t operation)
{
	operations_left = (int32_t)operation;
}

bool power_on(void)
{
	bool was_off = is_off;

	operations_left = NEVER;
	is_off = false;
	is_unreadable = false;
	return was_off;
}

void reads_fail(void)
{
	is_unreadable = true;
}

typedef int (*change_t)(const struct flash_area *area, off_t at, const void *from, size_t bytes);

static int change(change_t whole, const struct flash_area *area, off_t at, const void *from,
		  size_t bytes, size_t half)
{
	if (is_off) {
		return -EIO;
	}
	if (operations_left == 0) {
		is_off = true;
		(void)whole(area, at, from, half);
		return -EIO;
	}
	operations_left--;
	return whole(area, at, from, bytes);
}

int __real_flash_area_read(const struct flash_area *area, off_t at, void *into, size_t bytes);

int __wrap_flash_area_read(const struct flash_area *area, off_t at, void *into, size_t bytes)
{
	if (is_off || is_unreadable) {
		return -EIO;
	}
	return __real_flash_area_read(area, at, into, bytes);
}

int __real_flash_area_write(const struct flash_area *area, off_t at, const void *from,
			    size_t bytes);

int __wrap_flash_area_write(const struct flash_area *area, off_t at, const void *from, size_t bytes)
{
	/* Writes have units of 4 bytes at most on the boards of this suite. */
	return change(__real_flash_area_write, area, at, from, bytes, bytes / 2 / 4 * 4);
}

int __real_flash_area_erase(const struct flash_area *area, off_t at, size_t bytes);

static int erase(const struct flash_area *area, off_t at, const void *from, size_t bytes)
{
	static const uint8_t noise[64] = {0xa5, 0x3c};

	ARG_UNUSED(from);
	if (bytes == 0) {
		/* Half of an erase leaves bytes of any value. */
		return __real_flash_area_write(area, at, noise, sizeof(noise));
	}
	return __real_flash_area_erase(area, at, bytes);
}

int __wrap_flash_area_erase(const struct flash_area *area, off_t at, size_t bytes)
{
	return change(erase, area, at, NULL, bytes, 0);
}

/* littlefs erases so since Zephyr 3.7. */
int __wrap_flash_area_flatten(const struct flash_area *area, off_t at, size_t bytes)
{
	return change(erase, area, at, NULL, bytes, 0);
}
