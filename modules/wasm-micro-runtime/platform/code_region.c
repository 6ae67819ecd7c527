/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The region is one of the MPU's static ones, which Zephyr never changes after it
 * has started: threads get theirs from those behind. Zephyr has no public function
 * that adds one at run time, so this includes the header of its MPU driver.
 */
#include "code_region.h"

#include <errno.h>

#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>
#include <zephyr/linker/linker-defs.h>

#include <cmsis_core.h>

#include "arm_core_mpu_dev.h"

/* Access of the kernel's threads; user threads have none. */
enum access {
#ifdef CONFIG_MPU_REQUIRES_POWER_OF_TWO_ALIGNMENT
	READ_WRITE = 1,
	READ = 5,
#else
	READ_WRITE = 0,
	READ = 2,
#endif
};

#ifdef MPU_RLAR_EN_Msk
#define START_MASK MPU_RBAR_BASE_Msk
/* The new one, and the second half of the one that it splits. */
#define MOST_NEW_REGIONS 2
#else
#define START_MASK MPU_RBAR_ADDR_Msk
#define MOST_NEW_REGIONS 1
#endif

#define NONE (-1)

static int region = NONE;

static int count(void)
{
	return (MPU->TYPE & MPU_TYPE_DREGION_Msk) >> MPU_TYPE_DREGION_Pos;
}

static bool is_used(int number)
{
	MPU->RNR = number;
#ifdef MPU_RLAR_EN_Msk
	return (MPU->RLAR & MPU_RLAR_EN_Msk) != 0;
#else
	return (MPU->RASR & MPU_RASR_ENABLE_Msk) != 0;
#endif
}

/* Number of the last region with that start, or NONE. */
static int find(uint32_t start)
{
	for (int number = count() - 1; number >= 0; number--) {
		if (is_used(number) && (MPU->RBAR & START_MASK) == start) {
			return number;
		}
	}
	return NONE;
}

/* Zephyr's driver does not survive a region too many. */
static bool has_room(void)
{
	int unused = 0;

	for (int number = 0; number < count(); number++) {
		unused += is_used(number) ? 0 : 1;
	}
	return unused >= MOST_NEW_REGIONS;
}

/* Sets the region executable, with that access. */
static void set(enum access access)
{
	unsigned int key = irq_lock();

	if (region != NONE) {
		MPU->RNR = region;
#ifdef MPU_RLAR_EN_Msk
		MPU->RBAR = (MPU->RBAR & ~(MPU_RBAR_AP_Msk | MPU_RBAR_XN_Msk)) |
			    (access << MPU_RBAR_AP_Pos);
#else
		MPU->RASR = (MPU->RASR & ~(MPU_RASR_AP_Msk | MPU_RASR_XN_Msk)) |
			    (access << MPU_RASR_AP_Pos);
#endif
		__DSB();
		__ISB();
	}
	irq_unlock(key);
}

/* Adds a region to the static ones. */
static void add(void *start, size_t bytes)
{
	const struct z_arm_mpu_partition code = {
		.start = (uint32_t)start,
		.size = bytes,
		.attr = K_MEM_PARTITION_P_RX_U_RX,
	};

	arm_core_mpu_configure_static_mpu_regions(&code, 1, (uint32_t)&_image_ram_start,
						  (uint32_t)&__kernel_ram_end);
#ifdef CONFIG_MPU_REQUIRES_NON_OVERLAPPING_REGIONS
	/* The region around it is split now: Zephyr notes again which part threads have. */
#ifdef CONFIG_USERSPACE
	uint32_t threads = (uint32_t)&_app_smem_start;
#else
	uint32_t threads = (uint32_t)&__kernel_ram_start;
#endif
	const struct z_arm_mpu_partition area = {
		.start = threads,
		.size = (uint32_t)&__kernel_ram_end - threads,
	};

	arm_core_mpu_mark_areas_for_dynamic_regions(&area, 1);
#endif
}

int ocre_code_region_make(void *start, size_t bytes)
{
	unsigned int key = irq_lock();

	if (DT_HAS_CHOSEN(ocre_exec_memory)) {
		region = find((uint32_t)start);
	} else if (has_room()) {
		add(start, bytes);
		region = find((uint32_t)start);
	}
	irq_unlock(key);
	ocre_code_region_close();
	return region == NONE ? -ENOSPC : 0;
}

void ocre_code_region_open(void)
{
	set(READ_WRITE);
}

void ocre_code_region_close(void)
{
	set(READ);
}
