/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the engine's heap at its allocator, with the linker's --wrap: WAMR's own count
 * misses what a reallocation takes where it grows in place.
 */
#include "steps.h"

#include <ems_gc_internal.h>

static uint32_t used;
static uint32_t most;

uint32_t heap_used(void)
{
	return used;
}

uint32_t heap_most(void)
{
	return most;
}

void heap_reset(void)
{
	most = used;
}

/* Size of an allocation with its header and padding. */
static uint32_t size_of(void *memory)
{
	return memory != NULL ? hmu_get_size(obj_to_hmu(memory)) : 0;
}

static void add(uint32_t bytes)
{
	used += bytes;
	most = MAX(most, used);
}

void *__real_mem_allocator_malloc(void *allocator, uint32_t size);
void *__wrap_mem_allocator_malloc(void *allocator, uint32_t size);
void *__wrap_mem_allocator_malloc(void *allocator, uint32_t size)
{
	void *memory = __real_mem_allocator_malloc(allocator, size);

	add(size_of(memory));
	return memory;
}

void *__real_mem_allocator_realloc(void *allocator, void *memory, uint32_t size);
void *__wrap_mem_allocator_realloc(void *allocator, void *memory, uint32_t size);
void *__wrap_mem_allocator_realloc(void *allocator, void *memory, uint32_t size)
{
	uint32_t before = size_of(memory);
	void *moved = __real_mem_allocator_realloc(allocator, memory, size);

	if (moved != NULL) {
		add(size_of(moved));
		used -= before;
	}
	return moved;
}

void __real_mem_allocator_free(void *allocator, void *memory);
void __wrap_mem_allocator_free(void *allocator, void *memory);
void __wrap_mem_allocator_free(void *allocator, void *memory)
{
	used -= size_of(memory);
	__real_mem_allocator_free(allocator, memory);
}
