/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interface of every kernel here: one function, `run`, that does its
 * work `rounds` times and returns a checksum, so that no compiler can drop the
 * work and every build can be compared with every other.
 *
 * The same source is built three ways: natively (gcc -O2), to WebAssembly
 * (clang --target=wasm32 -O2, no libc), and from that ahead of time. Nothing
 * outside this folder is used, and the data is static: the time is that of
 * code, not of an allocator.
 */
#ifndef OCRE_KERNEL_H
#define OCRE_KERNEL_H

#include <stdint.h>

#ifdef __wasm__
#define KERNEL __attribute__((export_name("run")))
#else
#define KERNEL __attribute__((visibility("default")))
#endif

KERNEL uint32_t run(uint32_t rounds);

/* A fixed sequence of pseudo-random numbers. */
static inline uint32_t
next_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

#endif
