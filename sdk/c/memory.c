/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies and fills of memory, for guests: instructions of WebAssembly where C's library
 * has a kilobyte of loops. The instructions check the addresses even of no bytes, which
 * C's functions do not. A file of its own, because it alone is compiled with
 * -mbulk-memory, with which Debian 12's clang does not compile errno.
 */
#include <stddef.h>

__attribute__((weak)) void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	return bytes != 0 ? __builtin_memcpy(to, from, bytes) : to;
}

__attribute__((weak)) void *memmove(void *to, const void *from, size_t bytes)
{
	return bytes != 0 ? __builtin_memmove(to, from, bytes) : to;
}

__attribute__((weak)) void *memset(void *to, int byte, size_t bytes)
{
	return bytes != 0 ? __builtin_memset(to, byte, bytes) : to;
}
