/* SPDX-License-Identifier: Apache-2.0 */
/* parrot: says the words that its image brings, then every line that it hears, until
 * the end of its input: Ctrl-D, or `ocre stop`. */
#include <stdio.h>

static int say_all(FILE *words, const char *before)
{
	char line[80];

	while (fgets(line, sizeof(line), words) != NULL) {
		fputs(before, stdout);
		fputs(line, stdout);
		fflush(stdout);
	}
	return ferror(words);
}

int main(void)
{
	FILE *words = fopen("/image/words.txt", "r");

	if (words == NULL || say_all(words, "") != 0) {
		fputs("parrot: my words are missing\n", stderr);
		return 1;
	}
	fclose(words);
	return say_all(stdin, "parrot: ") == 0 ? 0 : 1;
}
