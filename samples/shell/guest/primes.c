/* SPDX-License-Identifier: Apache-2.0 */
/* primes [BELOW]: counts the primes below a number, 10000 if none is given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 40000u
#define DEFAULT 10000u

static unsigned char composite[MOST];

/* Writes a number with what stands before it. printf would be larger than all of this. */
static void say(const char *before, unsigned long number, const char *after)
{
	char digits[12];
	char *first = digits + sizeof(digits) - 1;

	*first = '\0';
	do {
		*--first = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	fputs(before, stdout);
	fputs(first, stdout);
	fputs(after, stdout);
}

int main(int argc, char **argv)
{
	unsigned long below = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT;
	unsigned long count = 0;

	if (below > MOST) {
		say("primes: I count to ", MOST, "\n");
		return 2;
	}
	for (unsigned long n = 2; n < below; n++) {
		if (composite[n]) {
			continue;
		}
		count++;
		for (unsigned long multiple = n * n; multiple < below; multiple += n) {
			composite[multiple] = 1;
		}
	}
	say("", count, " primes");
	say(" below ", below, "\n");
	return 0;
}
