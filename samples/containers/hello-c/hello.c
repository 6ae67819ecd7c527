/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello-c [--read FILE] [--exit CODE] [WORD...]
 *
 * Greets, prints every other argument and the whole environment, one a line,
 * then the text of FILE if one is named, and exits with CODE (0 if none is
 * given). Exits with 2 where FILE can't be read or CODE is no number.
 * `hello` is the same program in Rust.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 2 };

extern char **environ;

static void line(const char *label, const char *text)
{
	fputs(label, stdout);
	puts(text);
}

static int fail(const char *what, const char *why)
{
	fputs("hello: ", stderr);
	fputs(what, stderr);
	fputs(": ", stderr);
	fputs(why, stderr);
	fputs("\n", stderr);
	return USAGE;
}

static int print_file(const char *path)
{
	char piece[256];
	size_t n;
	FILE *file = fopen(path, "r");

	if (file == NULL) {
		return fail(path, "can't be opened");
	}
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0) {
		fwrite(piece, 1, n, stdout);
	}
	n = (size_t)ferror(file);
	fclose(file);
	return n == 0 ? 0 : fail(path, "can't be read");
}

int main(int argc, char **argv)
{
	const char *read = NULL;
	unsigned long code = 0;

	puts("Hello from a C guest!");
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--read") == 0) {
			if (++i == argc) {
				return fail("--read", "needs a file");
			}
			read = argv[i];
		} else if (strcmp(argv[i], "--exit") == 0) {
			char *end;

			if (++i == argc) {
				return fail("--exit", "needs a code");
			}
			code = strtoul(argv[i], &end, 10);
			if (end == argv[i] || *end != '\0' || code > 255) {
				return fail(argv[i], "no exit code");
			}
		} else {
			line("arg: ", argv[i]);
		}
	}
	for (char **entry = environ; *entry != NULL; entry++) {
		line("env: ", *entry);
	}
	if (read != NULL) {
		int failed = print_file(read);

		if (failed != 0) {
			return failed;
		}
	}
	return (int)code;
}
