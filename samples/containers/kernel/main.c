/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel [ROUNDS]
 *
 * Hashes 64 KiB of pseudo-random numbers ROUNDS times over (50 if none are
 * given) and prints a checksum of all hashes, 8 hexadecimal digits. Exits with
 * 2 where ROUNDS is no number. The work itself is one of the kernels that the
 * benchmarks measure.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../../benches/kernels/kernel.h"

enum { ROUNDS = 50, USAGE = 2 };

int main(int argc, char **argv)
{
	char text[] = "sha256 00000000\n";
	uint32_t rounds = ROUNDS;
	uint32_t sum;

	if (argc > 1) {
		char *end;

		rounds = (uint32_t)strtoul(argv[1], &end, 10);
		if (end == argv[1] || *end != '\0') {
			fputs("kernel: ROUNDS must be a number\n", stderr);
			return USAGE;
		}
	}
	sum = run(rounds);
	for (int i = 14; i > 6; i--, sum >>= 4) {
		text[i] = "0123456789abcdef"[sum & 15];
	}
	fputs(text, stdout);
	return 0;
}
