/* SPDX-License-Identifier: Apache-2.0 */
/* Part of the native simulator's runner, which is linked with the PC's libc. */
#define _GNU_SOURCE
#include "exec_memory.h"

#include <sys/mman.h>

void *ocre_exec_memory_get(size_t bytes)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *memory;

#ifdef __x86_64__
	/* Relocations of AOT code reach 2 GiB. */
	flags |= MAP_32BIT;
#endif
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void ocre_exec_memory_put(void *memory, size_t bytes)
{
	(void)munmap(memory, bytes);
}
