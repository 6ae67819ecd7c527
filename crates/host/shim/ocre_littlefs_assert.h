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

/* Leaves the operation under way, which then returns LFS_ERR_CORRUPT. */
_Noreturn void ocre_lfs_trap(void);

#endif
