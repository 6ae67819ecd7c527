/* SPDX-License-Identifier: Apache-2.0 */
/* greeter [NAME...]: greets each, or the world. */
#include <stdio.h>

static void greet(const char *whom)
{
	fputs("Hello, ", stdout);
	fputs(whom, stdout);
	puts("!");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		greet(argv[i]);
	}
	if (argc < 2) {
		greet("world");
	}
	return 0;
}
