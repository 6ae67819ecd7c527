/* SPDX-License-Identifier: Apache-2.0 */
/* MPU region of the memory for AOT code. Without an MPU all of it does nothing. */
#ifndef OCRE_CODE_REGION_H_
#define OCRE_CODE_REGION_H_

#include <stddef.h>

#if defined(CONFIG_MPU_REQUIRES_POWER_OF_TWO_ALIGNMENT)
#define OCRE_CODE_REGION_ALIGNMENT CONFIG_OCRE_AOT_CODE_SIZE
#else
#define OCRE_CODE_REGION_ALIGNMENT 32
#endif

#ifdef CONFIG_ARM_MPU
/* Makes the region: executable, read-only, and closed to user threads. The region of the
 * chosen node ocre,exec-memory exists, and gets that access. Returns 0, or -ENOSPC where
 * the MPU has none left. */
int ocre_code_region_make(void *start, size_t bytes);

/* Lets the kernel's threads write. */
void ocre_code_region_open(void);

/* Ends that. */
void ocre_code_region_close(void);
#else
static inline void ocre_code_region_open(void)
{
}

static inline void ocre_code_region_close(void)
{
}
#endif

#endif
