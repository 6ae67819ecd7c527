/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that Rust's compiler calls to copy and clear memory on ARM, named as in the
 * ARM run-time ABI: the libc's functions, so that the image has one of each.
 * Without these, Rust's own copies would be linked beside them. And GCC's names of
 * 64-bit divisions, which WAMR offers to AOT code: by those of the ABI, which are
 * there anyway.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void __aeabi_memcpy(void *to, const void *from, size_t bytes);
void __aeabi_memmove(void *to, const void *from, size_t bytes);
void __aeabi_memset(void *memory, size_t bytes, int value);
void __aeabi_memclr(void *memory, size_t bytes);

/* A libc may have them already. */
#define WEAK __attribute__((weak))
#define ALSO(name, other)                                                                          \
	__typeof__(name) other __attribute__((weak, alias(#name)))

WEAK void __aeabi_memcpy(void *to, const void *from, size_t bytes)
{
	(void)memcpy(to, from, bytes);
}

WEAK void __aeabi_memmove(void *to, const void *from, size_t bytes)
{
	(void)memmove(to, from, bytes);
}

WEAK void __aeabi_memset(void *memory, size_t bytes, int value)
{
	(void)memset(memory, value, bytes);
}

WEAK void __aeabi_memclr(void *memory, size_t bytes)
{
	(void)memset(memory, 0, bytes);
}

/* The same for memory that is aligned. */
ALSO(__aeabi_memcpy, __aeabi_memcpy4);
ALSO(__aeabi_memcpy, __aeabi_memcpy8);
ALSO(__aeabi_memmove, __aeabi_memmove4);
ALSO(__aeabi_memmove, __aeabi_memmove8);
ALSO(__aeabi_memset, __aeabi_memset4);
ALSO(__aeabi_memset, __aeabi_memset8);
ALSO(__aeabi_memclr, __aeabi_memclr4);
ALSO(__aeabi_memclr, __aeabi_memclr8);

/* Divisions of 64 bits: each is a call of the ABI's function. */
int64_t __divdi3(int64_t dividend, int64_t divisor);
int64_t __moddi3(int64_t dividend, int64_t divisor);
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);

WEAK int64_t __divdi3(int64_t dividend, int64_t divisor)
{
	return dividend / divisor;
}

WEAK int64_t __moddi3(int64_t dividend, int64_t divisor)
{
	return dividend % divisor;
}

WEAK uint64_t __udivdi3(uint64_t dividend, uint64_t divisor)
{
	return dividend / divisor;
}

WEAK uint64_t __umoddi3(uint64_t dividend, uint64_t divisor)
{
	return dividend % divisor;
}
