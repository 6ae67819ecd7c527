/* SPDX-License-Identifier: Apache-2.0 */
#include "ocre_wamr_limit.h"

#include <malloc.h>
#include <stdbool.h>

#include "platform_api_vmcore.h"

static uint64_t limit_bytes;
static uint64_t taken_bytes;

void
ocre_wamr_limit_set(uint32_t bytes)
{
    limit_bytes = bytes != 0 ? bytes : UINT64_MAX;
}

static bool
take(uint64_t bytes)
{
    uint64_t taken = __atomic_add_fetch(&taken_bytes, bytes, __ATOMIC_RELAXED);

    if (taken <= limit_bytes)
        return true;
    __atomic_sub_fetch(&taken_bytes, bytes, __ATOMIC_RELAXED);
    return false;
}

static void
give_back(uint64_t bytes)
{
    __atomic_sub_fetch(&taken_bytes, bytes, __ATOMIC_RELAXED);
}

/* An allocation counts with its usable size, so that the same is given back. */
static void
correct(uint64_t asked, uint64_t got)
{
    __atomic_add_fetch(&taken_bytes, got - asked, __ATOMIC_RELAXED);
}

void *
ocre_wamr_limit_malloc(unsigned int bytes)
{
    void *memory;

    if (!take(bytes))
        return NULL;
    memory = os_malloc(bytes);
    if (!memory) {
        give_back(bytes);
        return NULL;
    }
    correct(bytes, malloc_usable_size(memory));
    return memory;
}

void *
ocre_wamr_limit_realloc(void *memory, unsigned int bytes)
{
    uint64_t before = memory ? malloc_usable_size(memory) : 0;
    void *moved;

    /* Both may exist for a moment, and the old one stays where this fails. */
    if (!take(bytes))
        return NULL;
    moved = os_realloc(memory, bytes);
    if (!moved) {
        give_back(bytes);
        return NULL;
    }
    correct(bytes, malloc_usable_size(moved));
    give_back(before);
    return moved;
}

void
ocre_wamr_limit_free(void *memory)
{
    if (memory)
        give_back(malloc_usable_size(memory));
    os_free(memory);
}

/*
 * Mapping of the AOT loader, in place of `os_mmap` and `os_munmap`: the build gives
 * the loader these names.
 */
void *ocre_wamr_code_map(void *hint, size_t bytes, int prot, int flags,
                         os_file_handle file);
void ocre_wamr_code_unmap(void *address, size_t bytes);

static uint64_t
pages(size_t bytes)
{
    uint64_t page = (uint64_t)os_getpagesize();

    return ((uint64_t)bytes + page - 1) / page * page;
}

void *
ocre_wamr_code_map(void *hint, size_t bytes, int prot, int flags,
                   os_file_handle file)
{
    void *memory;

    if (!take(pages(bytes)))
        return NULL;
    memory = os_mmap(hint, bytes, prot, flags, file);
    if (!memory)
        give_back(pages(bytes));
    return memory;
}

void
ocre_wamr_code_unmap(void *address, size_t bytes)
{
    os_munmap(address, bytes);
    give_back(pages(bytes));
}
