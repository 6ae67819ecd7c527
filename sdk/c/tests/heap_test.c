/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares the heap with a model, over many random calls: memory is aligned, does
 * not overlap, keeps its content, and all of it comes back. As a program of the PC, and
 * as a guest: heap.c is included, with other names.
 */
#define OCRE_HEAP_NAME(name) tested_##name
#include "../heap.c"

#include <stdio.h>

/* A guest is interpreted. */
#ifdef __wasm__
#define STEPS 20000
#else
#define STEPS 1000000
#endif

enum { BLOCKS = 40 };

struct block {
	unsigned char *memory;
	size_t bytes;
	unsigned char content;
};

static struct block blocks[BLOCKS];
static uint32_t seed = 1;
static unsigned long refused;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fputs("failed: " #condition "\n", stderr);                                \
			return 1;                                                                 \
		}                                                                                 \
	} while (0)

/* Heads that agree, no two free chunks beside each other, and a true `lowest`. */
static int check_chunks(void)
{
	uint32_t before = 0;
	int was_free = 0;

	for (uint32_t chunk = FIRST; chunk < END; chunk += size_of(chunk)) {
		CHECK(size_of(chunk) >= 2 && size_of(chunk) % 2 == 0);
		CHECK(size_of(chunk) <= END - chunk);
		CHECK(heap[chunk].before == before);
		CHECK(is_used(chunk) || !was_free);
		CHECK(is_used(chunk) || lowest <= chunk);
		was_free = !is_used(chunk);
		before = size_of(chunk);
	}
	return 0;
}

static int check_block(const struct block *block)
{
	if (block->memory == NULL) {
		return 0;
	}
	CHECK((uintptr_t)block->memory % ALIGNMENT == 0);
	CHECK(tested_malloc_usable_size(block->memory) >= block->bytes);
	CHECK(block->memory >= (unsigned char *)heap);
	CHECK(block->memory + block->bytes <= (unsigned char *)(heap + END));
	for (size_t i = 0; i < block->bytes; i++) {
		CHECK(block->memory[i] == block->content);
	}
	return 0;
}

static void fill(struct block *block, void *memory, size_t bytes)
{
	block->memory = memory;
	block->bytes = bytes;
	block->content = (unsigned char)chance(256);
	memset(memory, block->content, bytes);
}

static int step(void)
{
	struct block *block = &blocks[chance(BLOCKS)];
	size_t bytes = chance(chance(8) == 0 ? OCRE_HEAP_BYTES : 200);
	size_t alignment = (size_t)1 << chance(11);
	unsigned char *memory = NULL;

	if (block->memory != NULL && chance(2) == 0) {
		size_t kept = bytes < block->bytes ? bytes : block->bytes;

		memory = tested_realloc(block->memory, bytes);
		if (memory == NULL) {
			refused++;
			return check_block(block);
		}
		for (size_t i = 0; i < kept; i++) {
			CHECK(memory[i] == block->content);
		}
		fill(block, memory, bytes);
		return 0;
	}
	if (check_block(block) != 0) {
		return 1;
	}
	tested_free(block->memory);
	block->memory = NULL;
	switch (chance(4)) {
	case 0:
		memory = tested_malloc(bytes);
		break;
	case 1:
		memory = tested_calloc(bytes / 8, 8);
		bytes = bytes / 8 * 8;
		for (size_t i = 0; memory != NULL && i < bytes; i++) {
			CHECK(memory[i] == 0);
		}
		break;
	case 2:
		memory = tested_aligned_alloc(alignment, bytes);
		CHECK(memory == NULL || (uintptr_t)memory % alignment == 0);
		break;
	default:
		return 0;
	}
	if (memory == NULL) {
		refused++;
	} else {
		fill(block, memory, bytes);
	}
	return 0;
}

static int check_edges(void)
{
	void *memory, *other;

	memory = tested_malloc(OCRE_HEAP_BYTES);
	CHECK(memory != NULL);
	errno = 0;
	CHECK(tested_malloc(1) == NULL && errno == ENOMEM);
	CHECK(tested_realloc(memory, OCRE_HEAP_BYTES + 1) == NULL);
	CHECK(tested_realloc(memory, 16) == memory);
	other = tested_malloc(16);
	CHECK(other != NULL);
	tested_free(memory);
	tested_free(other);
	CHECK(tested_malloc(OCRE_HEAP_BYTES + 1) == NULL && errno == ENOMEM);
	CHECK(tested_malloc(SIZE_MAX) == NULL);
	CHECK(tested_calloc(SIZE_MAX / 2, 3) == NULL);
	CHECK(tested_calloc(SIZE_MAX, SIZE_MAX) == NULL);
	CHECK(tested_aligned_alloc(0, 8) == NULL && errno == EINVAL);
	CHECK(tested_aligned_alloc(24, 8) == NULL && errno == EINVAL);
	CHECK(tested_aligned_alloc((SIZE_MAX >> 1) + 1, 8) == NULL);
	CHECK(tested_posix_memalign(&other, 24, 8) == EINVAL);
	CHECK(tested_posix_memalign(&other, 64, OCRE_HEAP_BYTES + 1) == ENOMEM);
	CHECK(tested_posix_memalign(&other, 64, 8) == 0 && (uintptr_t)other % 64 == 0);
	tested_free(other);
	memory = tested_malloc(0);
	other = tested_malloc(0);
	CHECK(memory != NULL && other != NULL && memory != other);
	tested_free(memory);
	tested_free(other);
	tested_free(NULL);
	CHECK(tested_malloc_usable_size(NULL) == 0);
	memory = tested_malloc(OCRE_HEAP_BYTES);
	CHECK(memory != NULL);
	tested_free(memory);
	return 0;
}

int main(void)
{
	CHECK(check_edges() == 0);
	for (int i = 0; i < STEPS / 20; i++) {
		for (int j = 0; j < 20; j++) {
			CHECK(step() == 0);
		}
		CHECK(check_chunks() == 0);
	}
	for (int i = 0; i < BLOCKS; i++) {
		CHECK(check_block(&blocks[i]) == 0);
		tested_free(blocks[i].memory);
	}
	CHECK(check_chunks() == 0);
	CHECK(check_edges() == 0);
	CHECK(refused > 0);
	puts("heap: ok");
	return 0;
}
