/* SPDX-License-Identifier: Apache-2.0 */
/* What the guests of the suites share: arguments and output over WASI's own calls,
 * without a heap, so that the engine lets their memory shrink to what they use. */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>
#include <wasi/api.h>

#define GUEST_WORDS 8

static char *guest_words[GUEST_WORDS];
static char guest_text[256];
static size_t guest_count;

static inline size_t guest_length(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0') {
		length++;
	}
	return length;
}

static inline int guest_same(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static inline uint32_t guest_number(const char *text)
{
	uint32_t number = 0;

	while (*text >= '0' && *text <= '9') {
		number = number * 10 + (uint32_t)(*text++ - '0');
	}
	return number;
}

/* 0 where there is no such word. */
static inline const char *guest_word(size_t index)
{
	return index < guest_count ? guest_words[index] : "";
}

static inline void guest_take_words(void)
{
	__wasi_size_t count, bytes;

	if (__wasi_args_sizes_get(&count, &bytes) == 0 && count <= GUEST_WORDS &&
	    bytes <= sizeof(guest_text) &&
	    __wasi_args_get((uint8_t **)guest_words, (uint8_t *)guest_text) == 0) {
		guest_count = count;
	}
}

static inline void guest_write(__wasi_fd_t to, const char *text, size_t bytes)
{
	const __wasi_ciovec_t piece = {(const uint8_t *)text, bytes};
	__wasi_size_t written;

	(void)!__wasi_fd_write(to, &piece, 1, &written);
}

/* A word and a number in hexadecimal, on one line. */
static inline void guest_report(const char *what, uint64_t number)
{
	char line[64];
	size_t used = 0;

	while (*what != '\0' && used < 40) {
		line[used++] = *what++;
	}
	line[used++] = ' ';
	for (int shift = 60; shift >= 0; shift -= 4) {
		line[used++] = "0123456789abcdef"[number >> shift & 15];
	}
	line[used++] = '\n';
	guest_write(1, line, used);
}

static inline void guest_print(const char *line)
{
	const __wasi_ciovec_t pieces[] = {
		{(const uint8_t *)line, guest_length(line)},
		{(const uint8_t *)"\n", 1},
	};
	__wasi_size_t written;

	(void)!__wasi_fd_write(1, pieces, 2, &written);
}

#endif
