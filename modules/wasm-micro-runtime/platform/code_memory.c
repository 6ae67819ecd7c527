/* SPDX-License-Identifier: Apache-2.0 */
#include "code_memory.h"

#include <string.h>

#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include "code_region.h"

LOG_MODULE_DECLARE(ocre, CONFIG_OCRE_LOG_LEVEL);

#if DT_HAS_CHOSEN(ocre_exec_memory)
#define START ((uint8_t *)DT_REG_ADDR(DT_CHOSEN(ocre_exec_memory)))

BUILD_ASSERT(!IS_ENABLED(CONFIG_ARM_MPU) ||
		     DT_NODE_HAS_PROP(DT_CHOSEN(ocre_exec_memory), zephyr_memory_attr),
	     "ocre,exec-memory needs zephyr,memory-attr, so that it is a region of the MPU");
#else
BUILD_ASSERT(!IS_ENABLED(CONFIG_MPU_REQUIRES_POWER_OF_TWO_ALIGNMENT) ||
		     (CONFIG_OCRE_AOT_CODE_SIZE & (CONFIG_OCRE_AOT_CODE_SIZE - 1)) == 0,
	     "CONFIG_OCRE_AOT_CODE_SIZE is no power of two, which this MPU needs");

/* The linker has it at the start of the RAM (code_memory.ld). */
static uint8_t memory[OCRE_CODE_MEMORY_BYTES] __aligned(OCRE_CODE_REGION_ALIGNMENT)
	Z_GENERIC_SECTION(.noinit.ocre_code_memory);
#define START memory
#endif

#define ALIGNMENT 8u

/* In front of a module's code. */
struct header {
	bool sealed;
};

/* False where the MPU would not let code run. */
static bool is_executable = !IS_ENABLED(CONFIG_ARM_MPU);

static struct k_heap heap;
static struct k_spinlock lock;

/* Modules that are being loaded. */
static unsigned int writers;

/* The first writer opens the region, and the last one closes it. The heap writes to
 * the region too. */
static void start_writing(void)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	if (writers++ == 0) {
		ocre_code_region_open();
	}
	k_spin_unlock(&lock, key);
}

static void end_writing(void)
{
	k_spinlock_key_t key = k_spin_lock(&lock);

	if (--writers == 0) {
		ocre_code_region_close();
	}
	k_spin_unlock(&lock, key);
}

static struct header *header_of(void *code)
{
	return (struct header *)((uint8_t *)code - ALIGNMENT);
}

void ocre_code_memory_init(void)
{
	start_writing();
	k_heap_init(&heap, START, OCRE_CODE_MEMORY_BYTES);
	end_writing();
}

void *ocre_code_memory_get(size_t bytes)
{
	uint8_t *start;

	if (!is_executable || bytes > OCRE_CODE_MEMORY_BYTES) {
		return NULL;
	}
	start_writing();
	start = k_heap_aligned_alloc(&heap, ALIGNMENT, bytes + ALIGNMENT, K_NO_WAIT);
	if (start == NULL) {
		end_writing();
		return NULL;
	}
	memset(start, 0, bytes + ALIGNMENT);
	return start + ALIGNMENT;
}

void ocre_code_memory_seal(void *code)
{
	struct header *header = header_of(code);

	if (!header->sealed) {
		header->sealed = true;
		end_writing();
	}
}

void ocre_code_memory_put(void *code)
{
	struct header *header = header_of(code);

	if (header->sealed) {
		start_writing();
	}
	k_heap_free(&heap, header);
	end_writing();
}

bool ocre_code_memory_has(const void *at)
{
	const uint8_t *address = at;

	return address >= START && address < START + OCRE_CODE_MEMORY_BYTES;
}

#ifdef CONFIG_ARM_MPU
/* Before threads have regions of their own. */
static int guard(void)
{
	int result = ocre_code_region_make(START, OCRE_CODE_MEMORY_BYTES);

	is_executable = result == 0;
	if (!is_executable) {
		LOG_ERR("the MPU has no region left: AOT code does not run");
	}
	return result;
}
SYS_INIT(guard, PRE_KERNEL_1, 0);
#endif
