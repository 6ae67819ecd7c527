/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publisher [TOPIC [COUNT [MILLISECONDS]]]
 *
 * Publishes the numbers from 1 to COUNT, 5 otherwise, under TOPIC, "numbers"
 * otherwise, with MILLISECONDS, 100 otherwise, before each. Says where nobody has
 * subscribed. Needs the permission "messaging"; without it it exits with 1.
 */
#include "../../../sdk/c/ocre.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOBODY = -2, DIGITS = 12 };

/* No printf: its code would be half of the guest. */
static const char *decimal(unsigned int number, char text[DIGITS])
{
	char *at = text + DIGITS - 1;

	*at = '\0';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	return at;
}

int main(int argc, char **argv)
{
	const char *topic = argc > 1 ? argv[1] : "numbers";
	unsigned int count = argc > 2 ? (unsigned int)atoi(argv[2]) : 5;
	int pause_ms = argc > 3 ? atoi(argv[3]) : 100;
	char text[DIGITS];

	for (unsigned int number = 1; number <= count; number++) {
		const char *content = decimal(number, text);
		int result;

		ocre_sleep(pause_ms);
		result = ocre_publish_message(topic, "text/plain", content,
					      (int)strlen(content));
		if (result == NOBODY) {
			fputs("nobody wants ", stdout);
			puts(content);
		} else if (result != 0) {
			fputs("publisher: errno ", stderr);
			fputs(decimal((unsigned int)-result, text), stderr);
			fputs("\n", stderr);
			return 1;
		}
	}
	return 0;
}
