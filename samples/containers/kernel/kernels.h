/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute kernels: pure functions of a number of rounds, whose result is the
 * same on every machine with IEEE 754 arithmetic. The `kernel` guest runs
 * them as WebAssembly; the benchmarks also build this file for the PC, so
 * that guest and native code are compared on one source.
 *
 * A kernel keeps its data in one static buffer: call them from one thread.
 */
#ifndef OCRE_KERNELS_H
#define OCRE_KERNELS_H

#include <stdint.h>

struct kernel {
	const char *name;
	/* Does the work `rounds` times over and returns a checksum of all of it. */
	uint32_t (*run)(uint32_t rounds);
	/* So many that one run takes some milliseconds natively on a PC. */
	uint32_t default_rounds;
};

enum { KERNELS = 6 };

extern const struct kernel kernels[KERNELS];

#endif
