/* SPDX-License-Identifier: Apache-2.0 */
/* ticker: says "tick" every INTERVAL seconds, for ever, and counts in a file of its
 * container, so that it goes on where it was. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char file_name[] = "/ticks";

/* A file with one line per tick, of which only the length counts. */
static long count(void)
{
	FILE *file = fopen(file_name, "a");
	long ticks = -1;

	if (file != NULL) {
		if (fputs("\n", file) >= 0 && fflush(file) == 0) {
			ticks = ftell(file);
		}
		fclose(file);
	}
	return ticks;
}

int main(void)
{
	const char *interval = getenv("INTERVAL");
	unsigned seconds = interval != NULL ? (unsigned)atoi(interval) : 1;
	long ticks;

	while ((ticks = count()) > 0) {
		char digits[12];
		char *first = digits + sizeof(digits) - 1;

		*first = '\0';
		for (; ticks != 0; ticks /= 10) {
			*--first = (char)('0' + ticks % 10);
		}
		fputs("tick ", stdout);
		puts(first);
		fflush(stdout);
		sleep(seconds);
	}
	fputs("ticker: can't count\n", stderr);
	return 1;
}
