/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc and its family over a heap of OCRE_HEAP_BYTES, for a guest that never grows
 * its memory. `ocre build` and ocre_guest() link this file before C's library, which
 * has others that grow it.
 *
 * Chunks lie one behind the other, each with a head of 8 bytes and an even number of
 * such units, so that memory is aligned to 16 bytes. The lowest free chunk that is
 * large enough is taken, and free chunks beside each other become one at once. One
 * allocation of OCRE_HEAP_BYTES fits. What does not fit is NULL and ENOMEM.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef OCRE_HEAP_BYTES
#define OCRE_HEAP_BYTES 8192
#endif

/* Tests on a PC give other names. A guest's own functions come before these. */
#ifndef OCRE_HEAP_NAME
#define OCRE_HEAP_NAME(name) __attribute__((weak)) name
#define HAS_ALIASES 1
#endif

#define UNIT 8u
#define ALIGNMENT 16u
#define USED 1u
#define FIRST 1u
/* Units of a chunk for that many bytes, with its head. */
#define UNITS(bytes) ((uint32_t)(((bytes) + UNIT + (ALIGNMENT - 1)) / ALIGNMENT) * 2u)
#define END (FIRST + UNITS(OCRE_HEAP_BYTES))

_Static_assert(OCRE_HEAP_BYTES > 0 && OCRE_HEAP_BYTES <= 1 << 30, "OCRE_HEAP_BYTES");

struct head {
	uint32_t before; /* units of the chunk before this one, 0 for the first */
	uint32_t size;   /* units of this one, or USED */
};

_Static_assert(sizeof(struct head) == UNIT, "a head is a unit");

static struct head heap[END] __attribute__((aligned(ALIGNMENT)));
/* A chunk, or the end; no chunk before it is free. 0 before the first allocation. */
static uint32_t lowest;

static uint32_t size_of(uint32_t chunk)
{
	return heap[chunk].size & ~USED;
}

static int is_used(uint32_t chunk)
{
	return heap[chunk].size & USED;
}

static uint32_t chunk_of(const void *memory)
{
	return (uint32_t)((const struct head *)memory - heap) - 1;
}

/* Gives a chunk its size, and lets the chunk behind know. */
static void set_size(uint32_t chunk, uint32_t size, uint32_t used)
{
	heap[chunk].size = size | used;
	if (chunk + size < END) {
		heap[chunk + size].before = size;
	}
}

/* Makes two of a chunk: the first has `size` units, and the second is free. */
static void split(uint32_t chunk, uint32_t size, uint32_t used)
{
	uint32_t rest = size_of(chunk) - size;

	set_size(chunk, size, used);
	if (rest != 0) {
		set_size(chunk + size, rest, 0);
	}
}

/* Adds the chunk behind if that is free. */
static void join(uint32_t chunk)
{
	uint32_t next = chunk + size_of(chunk);

	if (next < END && !is_used(next)) {
		if (lowest == next) {
			lowest = chunk;
		}
		set_size(chunk, size_of(chunk) + size_of(next), heap[chunk].size & USED);
	}
}

static void *allocate(size_t bytes, size_t alignment)
{
	if (lowest == 0) {
		lowest = FIRST;
		set_size(FIRST, END - FIRST, 0);
	}
	for (uint32_t chunk = lowest; bytes <= OCRE_HEAP_BYTES && chunk < END;
	     chunk += size_of(chunk)) {
		uint32_t size = size_of(chunk);
		/* Units to an aligned address, always even: a chunk that stays free. */
		size_t gap = (-(uintptr_t)&heap[chunk + 1] & (alignment - 1)) / UNIT;

		if (is_used(chunk) || gap > size || size - gap < UNITS(bytes)) {
			continue;
		}
		if (gap != 0) {
			split(chunk, (uint32_t)gap, 0);
			chunk += (uint32_t)gap;
		} else if (chunk == lowest) {
			lowest = chunk + UNITS(bytes);
		}
		split(chunk, UNITS(bytes), USED);
		return &heap[chunk + 1];
	}
	errno = ENOMEM;
	return NULL;
}

static int is_power_of_two(size_t number)
{
	return number != 0 && (number & (number - 1)) == 0;
}

static size_t usable(const void *memory)
{
	return (size_of(chunk_of(memory)) - 1) * UNIT;
}

static void release(void *memory)
{
	uint32_t chunk = chunk_of(memory);

	if (!is_used(chunk)) {
		__builtin_trap(); /* freed twice */
	}
	set_size(chunk, size_of(chunk), 0);
	join(chunk);
	if (heap[chunk].before != 0 && !is_used(chunk - heap[chunk].before)) {
		chunk -= heap[chunk].before;
		join(chunk);
	}
	if (chunk < lowest) {
		lowest = chunk;
	}
}

static void *aligned(size_t alignment, size_t bytes)
{
	if (!is_power_of_two(alignment)) {
		errno = EINVAL;
		return NULL;
	}
	return allocate(bytes, alignment > ALIGNMENT ? alignment : ALIGNMENT);
}

void *OCRE_HEAP_NAME(malloc)(size_t bytes)
{
	return allocate(bytes, ALIGNMENT);
}

void OCRE_HEAP_NAME(free)(void *memory)
{
	if (memory != NULL) {
		release(memory);
	}
}

void *OCRE_HEAP_NAME(calloc)(size_t count, size_t bytes)
{
	size_t all;
	void *memory;

	if (__builtin_mul_overflow(count, bytes, &all)) {
		all = SIZE_MAX;
	}
	memory = allocate(all, ALIGNMENT);
	return memory != NULL ? memset(memory, 0, all) : NULL;
}

size_t OCRE_HEAP_NAME(malloc_usable_size)(void *memory)
{
	return memory != NULL ? usable(memory) : 0;
}

void *OCRE_HEAP_NAME(realloc)(void *memory, size_t bytes)
{
	uint32_t chunk;
	void *moved;

	if (memory == NULL) {
		return allocate(bytes, ALIGNMENT);
	}
	chunk = chunk_of(memory);
	if (bytes <= OCRE_HEAP_BYTES) {
		uint32_t had = size_of(chunk);

		/* With all that is free behind; what is not needed is free again. */
		join(chunk);
		if (size_of(chunk) >= UNITS(bytes)) {
			split(chunk, UNITS(bytes), USED);
			if (lowest >= chunk) {
				lowest = chunk + UNITS(bytes);
			}
			return memory;
		}
		split(chunk, had, USED);
	}
	moved = allocate(bytes, ALIGNMENT);
	if (moved != NULL) {
		memcpy(moved, memory, usable(memory));
		release(memory);
	}
	return moved;
}

void *OCRE_HEAP_NAME(aligned_alloc)(size_t alignment, size_t bytes)
{
	return aligned(alignment, bytes);
}

int OCRE_HEAP_NAME(posix_memalign)(void **memory, size_t alignment, size_t bytes)
{
	void *made;

	if (!is_power_of_two(alignment) || alignment < sizeof(void *)) {
		return EINVAL;
	}
	made = aligned(alignment, bytes);
	if (made == NULL) {
		return ENOMEM;
	}
	*memory = made;
	return 0;
}

/* Names that wasi-libc uses within. */
#ifdef HAS_ALIASES
#define ALIAS(name) __attribute__((weak, alias(#name)))
void *__libc_malloc(size_t bytes) ALIAS(malloc);
void __libc_free(void *memory) ALIAS(free);
void *__libc_calloc(size_t count, size_t bytes) ALIAS(calloc);
void *__libc_realloc(void *memory, size_t bytes) ALIAS(realloc);
void *__libc_memalign(size_t alignment, size_t bytes) ALIAS(aligned_alloc);
void *memalign(size_t alignment, size_t bytes) ALIAS(aligned_alloc);
#endif
