/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What littlefs is compiled with: silent, and with assertions that end the operation
 * instead of the process, because damaged flash can make one fail.
 */
#ifndef OCRE_LITTLEFS_ASSERT_H
#define OCRE_LITTLEFS_ASSERT_H

#define LFS_NO_DEBUG
#define LFS_NO_WARN
#define LFS_NO_ERROR

/* Every buffer comes from the shim. */
#define LFS_NO_MALLOC

#define LFS_ASSERT(test)                 \
	do {                             \
		if (!(test)) {           \
			ocre_lfs_trap(); \
		}                        \
	} while (0)

/*
 * littlefs reads back what it has programmed, and compares it, in pieces of 8 bytes: two calls
 * of the library for each are a good part of what writing costs a PC.
 */
#include <stdint.h>
#include <string.h>

static inline int ocre_lfs_memcmp(const void *one, const void *other, size_t size)
{
	uint64_t a;
	uint64_t b;

	if (size == sizeof(a)) {
		memcpy(&a, one, sizeof(a));
		memcpy(&b, other, sizeof(b));
		if (a == b) {
			return 0;
		}
	}
	return memcmp(one, other, size);
}

static inline void *ocre_lfs_memcpy(void *to, const void *from, size_t size)
{
	uint64_t piece;

	if (size == sizeof(piece)) {
		memcpy(&piece, from, sizeof(piece));
		memcpy(to, &piece, sizeof(piece));
		return to;
	}
	return memcpy(to, from, size);
}

#define memcmp ocre_lfs_memcmp
#define memcpy ocre_lfs_memcpy

/* Leaves the operation under way, which then returns LFS_ERR_CORRUPT. */
_Noreturn void ocre_lfs_trap(void);

#endif
