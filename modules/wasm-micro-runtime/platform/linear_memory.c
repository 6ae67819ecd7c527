/* SPDX-License-Identifier: Apache-2.0 */
#include "linear_memory.h"

#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>

#define ALIGNMENT 8u

#ifdef CONFIG_OCRE_LINEAR_MEMORY_REGION

#define REGION DT_CHOSEN(ocre_linear_memory)

static struct k_heap heap;

void ocre_linear_memory_init(void)
{
	k_heap_init(&heap, (void *)DT_REG_ADDR(REGION), DT_REG_SIZE(REGION));
}

void *ocre_linear_memory_get(size_t bytes)
{
	return k_heap_aligned_alloc(&heap, ALIGNMENT, bytes, K_NO_WAIT);
}

void ocre_linear_memory_put(void *memory)
{
	k_heap_free(&heap, memory);
}

#else

#include <zephyr/multi_heap/shared_multi_heap.h>

/* The SoC or the application gives the multi-heap its memory. */
void ocre_linear_memory_init(void)
{
}

void *ocre_linear_memory_get(size_t bytes)
{
	return shared_multi_heap_aligned_alloc(SMH_REG_ATTR_EXTERNAL, ALIGNMENT, bytes);
}

void ocre_linear_memory_put(void *memory)
{
	shared_multi_heap_free(memory);
}

#endif
