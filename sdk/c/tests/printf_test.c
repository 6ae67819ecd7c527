/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the small printf with that of the PC's C library. */
#define OCRE_VFPRINTF tested_vfprintf
#include "../small.c"

static int tested(char *text, size_t bytes, const char *format, ...)
{
	va_list arguments;
	FILE *file = fmemopen(text, bytes, "w");
	int result;

	va_start(arguments, format);
	result = tested_vfprintf(file, format, arguments);
	va_end(arguments);
	fclose(file);
	return result;
}

static int failures;

#define COMPARE(...)                                                                              \
	do {                                                                                      \
		char ours[2048] = "", theirs[2048] = "";                                          \
		int our = tested(ours, sizeof(ours), __VA_ARGS__);                                \
		int their = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                        \
                                                                                                  \
		if (our != their || strcmp(ours, theirs) != 0) {                                  \
			fprintf(stderr, "failed: %s: %d \"%s\", not %d \"%s\"\n", #__VA_ARGS__,   \
				our, ours, their, theirs);                                        \
			failures++;                                                               \
		}                                                                                 \
	} while (0)

static void compare_integers(void)
{
	static const char *const flags[] = {"",   "-",  "0",  "+",   " ",   "#",   "-0", "+0",
					    " 0", "#0", "+-", "#-0", "+ 0", "# +-0"};
	static const char *const widths[] = {"", "1", "2", "7", "70"};
	static const char *const precisions[] = {"", ".", ".0", ".1", ".5", ".30"};
	static const char kinds[] = "diouxX";
	static const long long numbers[] = {0,  1,         -1,       7,         8,         -42,
					    99, INT_MAX,   INT_MIN,  LLONG_MAX, LLONG_MIN, 255,
					    -128, 0x80000000, 123456789012345};
	char format[64];

	for (size_t f = 0; f < sizeof(flags) / sizeof(*flags); f++) {
		for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++) {
			for (size_t p = 0; p < sizeof(precisions) / sizeof(*precisions); p++) {
				for (const char *kind = kinds; *kind != '\0'; kind++) {
					for (size_t n = 0; n < sizeof(numbers) / sizeof(*numbers);
					     n++) {
						long long number = numbers[n];

#define FORM(size)                                                                                \
	(snprintf(format, sizeof(format), "<%%%s%s%s%s%c>", flags[f], widths[w], precisions[p],   \
		  size, *kind),                                                                   \
	 format)
						COMPARE(FORM(""), (int)number);
						COMPARE(FORM("h"), (int)number);
						COMPARE(FORM("hh"), (int)number);
						COMPARE(FORM("l"), (long)number);
						COMPARE(FORM("ll"), number);
						COMPARE(FORM("j"), (intmax_t)number);
						COMPARE(FORM("z"), (size_t)number);
						COMPARE(FORM("t"), (ptrdiff_t)number);
					}
				}
			}
		}
	}
}

int main(void)
{
	char long_text[1000];
	int at = 0;
	signed char small = 0;
	short middle = 0;
	long long large = 0;

	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	compare_integers();
	COMPARE("%s", "");
	COMPARE("plain, without a conversion");
	COMPARE("%%|%5c|%-5c|%c", 'a', 'b', 'c');
	COMPARE("%s|%9s|%-9s|%.2s|%9.2s|%-9.2s|%.s", "text", "text", "text", "text", "text", "text",
		"text");
	COMPARE("%*d|%-*d|%.*d|%*.*d", 6, 1, 6, 2, 3, 4, -7, 3, 5);
	COMPARE("%.*d|%.*s", -1, 1, -1, "text");
	COMPARE("%s %s", long_text, long_text);
	COMPARE("%.999s|%1500s|%-1500s", long_text, "a", "b");
	COMPARE("%63s|%64s|%65s|", "a", "b", "c");
	COMPARE("%d%n%d", 12345, &at, 6);
	failures += at != 5;
	COMPARE("abc%hhn%hn%lln", &small, &middle, &large);
	failures += small != 3 || middle != 3 || large != 3;
	{
		char text[64] = "";

		tested(text, sizeof(text), "%p|%s", (void *)(uintptr_t)0x1234, (char *)NULL);
		failures += strcmp(text, sizeof(void *) == 8 ? "0x0000000000001234|(null)"
							      : "0x00001234|(null)") != 0;
		errno = 0;
		failures += tested(text, sizeof(text), "%2147483648d", 1) != -1;
		failures += errno != EOVERFLOW;
		failures += tested(text, sizeof(text), "%99999999999999999999d", 1) != -1;
	}
	puts(failures == 0 ? "printf: ok" : "printf: failed");
	return failures != 0;
}
