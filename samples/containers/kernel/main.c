/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel [NAME [ROUNDS]]
 *
 * Runs the kernel NAME, or all of them, and prints a line `NAME CHECKSUM` for
 * each; the checksum, 8 hexadecimal digits, depends on NAME and ROUNDS alone.
 * Exits with 2 where there is no such kernel or ROUNDS is no number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

enum { USAGE = 2 };

static void report(const char *name, uint32_t sum)
{
	char text[] = " 00000000\n";

	for (int i = 8; i > 0; i--, sum >>= 4) {
		text[i] = "0123456789abcdef"[sum & 15];
	}
	fputs(name, stdout);
	fputs(text, stdout);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	uint32_t rounds = 0;
	int found = 0;

	if (argc > 2) {
		char *end;

		rounds = (uint32_t)strtoul(argv[2], &end, 10);
		if (end == argv[2] || *end != '\0') {
			fputs("kernel: ROUNDS must be a number\n", stderr);
			return USAGE;
		}
	}
	for (int i = 0; i < KERNELS; i++) {
		if (name == NULL || strcmp(name, kernels[i].name) == 0) {
			found = 1;
			report(kernels[i].name,
			       kernels[i].run(argc > 2 ? rounds : kernels[i].default_rounds));
		}
	}
	if (!found) {
		fputs("kernel: no such kernel\n", stderr);
		return USAGE;
	}
	return 0;
}
