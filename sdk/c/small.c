/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small parts of C's library for guests, which `ocre build` and ocre_guest() link
 * before C's library: the arguments of main(), and the conversions of printf and its
 * family.
 *
 * The conversions are C's for integers, characters, texts and pointers. One of another
 * kind, such as %f, ends the guest with a message: with OCRE_FULL_PRINTF, the
 * conversions are those of C's library.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __wasm__
#include <time.h>
#include <wasi/api.h>

int __main_argc_argv(int argc, char **argv);

/* Calls main() with its arguments, which lie on the stack: no heap is needed for them. */
__attribute__((weak)) int __main_void(void)
{
	enum { OS_ERROR = 71 };
	__wasi_size_t count, bytes;
	char **argv;
	char *text;

	if (__wasi_args_sizes_get(&count, &bytes) != 0) {
		_Exit(OS_ERROR);
	}
	argv = __builtin_alloca((count + 1) * sizeof(*argv));
	text = __builtin_alloca(bytes);
	argv[count] = NULL;
	if (count != 0 && __wasi_args_get((uint8_t **)argv, (uint8_t *)text) != 0) {
		_Exit(OS_ERROR);
	}
	return __main_argc_argv((int)count, argv);
}
/* As wasi-libc has it. */
struct __clockid {
	__wasi_clockid_t id;
};

/* Sleeps. That of C's library checks the time in numbers of 128 bits, whose division is two
 * kilobytes of code. */
__attribute__((weak)) int clock_nanosleep(clockid_t clock, int flags,
					  const struct timespec *request,
					  struct timespec *remaining)
{
	const uint64_t second = 1000000000;
	__wasi_subscription_t wanted = {.u.tag = __WASI_EVENTTYPE_CLOCK};
	__wasi_size_t count;
	__wasi_event_t event;
	__wasi_errno_t failed;

	if ((flags & ~TIMER_ABSTIME) != 0 || request->tv_sec < 0 || request->tv_nsec < 0 ||
	    request->tv_nsec >= (long)second ||
	    (uint64_t)request->tv_sec > UINT64_MAX / second - 1) {
		return EINVAL;
	}
	wanted.u.u.clock.id = clock->id;
	wanted.u.u.clock.timeout = (uint64_t)request->tv_sec * second + (uint64_t)request->tv_nsec;
	if (flags & TIMER_ABSTIME) {
		wanted.u.u.clock.flags = __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
	}
	failed = __wasi_poll_oneoff(&wanted, &event, 1, &count);
	if (failed == 0) {
		failed = event.error;
	}
	if (failed == 0 && remaining != NULL) {
		*remaining = (struct timespec){0};
	}
	/* WASI's numbers are those of errno. */
	return failed == __WASI_ERRNO_NOTSUP ? EINVAL : failed;
}
#endif

#ifndef OCRE_FULL_PRINTF

/* Tests on a PC give another name. */
#ifndef OCRE_VFPRINTF
#define OCRE_VFPRINTF vfprintf
#endif

#define ALTERNATE 1u
#define ZERO      2u
#define LEFT      4u
#define BLANK     8u
#define PLUS      16u

struct output {
	FILE *file;
	int total; /* below 0 after a failure */
	size_t held;
	char text[64]; /* a file without a buffer is written in pieces of it */
};

struct conversion {
	unsigned flags;
	int width;
	int precision; /* below 0 without one */
	size_t size;   /* of an integer, in bytes */
	int is_wide;   /* a text or a character of wchar_t */
};

static void flush(struct output *out)
{
	if (out->held != 0 && fwrite(out->text, 1, out->held, out->file) != out->held) {
		out->total = -1;
	}
	out->held = 0;
}

static void put(struct output *out, const char *text, size_t bytes)
{
	if (out->total < 0) {
		return;
	}
	if (bytes > (size_t)(INT_MAX - out->total)) {
		errno = EOVERFLOW;
		out->total = -1;
		return;
	}
	out->total += (int)bytes;
	if (bytes > sizeof(out->text) - out->held) {
		flush(out);
	}
	if (bytes > sizeof(out->text)) {
		if (fwrite(text, 1, bytes, out->file) != bytes) {
			out->total = -1;
		}
		return;
	}
	memcpy(out->text + out->held, text, bytes);
	out->held += bytes;
}

static void pad(struct output *out, const char *with, int bytes)
{
	for (; bytes > 0 && out->total >= 0; bytes--) {
		put(out, with, 1);
	}
}

/* A text within the width. */
static void put_field(struct output *out, const struct conversion *conversion, const char *text,
		      size_t bytes)
{
	int blanks = bytes < (size_t)conversion->width ? conversion->width - (int)bytes : 0;

	if (!(conversion->flags & LEFT)) {
		pad(out, " ", blanks);
	}
	put(out, text, bytes);
	if (conversion->flags & LEFT) {
		pad(out, " ", blanks);
	}
}

static void put_number(struct output *out, struct conversion *conversion, uint64_t number,
		       const char *prefix, unsigned base, char letter)
{
	char digits[22]; /* of 64 bits in base 8 */
	char *first = digits + sizeof(digits);
	int blanks, zeros, count;

	for (; number != 0; number /= base) {
		unsigned digit = (unsigned)(number % base);

		*--first = (char)(digit < 10 ? '0' + (int)digit : letter + (int)digit - 10);
	}
	count = (int)(digits + sizeof(digits) - first);
	/* The other prefixes are no part of the digits. */
	zeros = conversion->precision < 0 ? (count == 0) : conversion->precision - count;
	if (base == 8 && conversion->flags & ALTERNATE && zeros <= 0) {
		zeros = 1;
	}
	zeros = zeros > 0 ? zeros : 0;
	count += (int)strlen(prefix);
	blanks = conversion->width > count ? conversion->width - count : 0;
	blanks = blanks > zeros ? blanks - zeros : 0;
	if (conversion->flags & ZERO && !(conversion->flags & LEFT) && conversion->precision < 0) {
		zeros += blanks;
		blanks = 0;
	}
	if (!(conversion->flags & LEFT)) {
		pad(out, " ", blanks);
	}
	put(out, prefix, strlen(prefix));
	pad(out, "0", zeros);
	put(out, first, (size_t)(digits + sizeof(digits) - first));
	if (conversion->flags & LEFT) {
		pad(out, " ", blanks);
	}
}

static int64_t take_signed(va_list *arguments, size_t size)
{
	int number;

	if (size > sizeof(number)) {
		return va_arg(*arguments, long long);
	}
	number = va_arg(*arguments, int);
	return size == 1 ? (signed char)number : size == 2 ? (short)number : number;
}

static uint64_t take_unsigned(va_list *arguments, size_t size)
{
	unsigned number;

	if (size > sizeof(number)) {
		return va_arg(*arguments, unsigned long long);
	}
	number = va_arg(*arguments, unsigned);
	return size == 1 ? (unsigned char)number : size == 2 ? (unsigned short)number : number;
}

/* What %n asks for. */
static void store(va_list *arguments, size_t size, int number)
{
	void *to = va_arg(*arguments, void *);

	switch (size) {
	case 1:
		*(signed char *)to = (signed char)number;
		break;
	case 2:
		*(short *)to = (short)number;
		break;
	case sizeof(int):
		*(int *)to = number;
		break;
	default:
		*(long long *)to = number;
	}
}

static _Noreturn void unsupported(void)
{
	static const char message[] =
		"printf: unsupported conversion, such as %f: build with the full printf\n";

	/* Not to stderr: that would be in each guest. */
	(void)!write(STDERR_FILENO, message, sizeof(message) - 1);
	abort();
}

/* Digits, or `*` for an argument. Below 0: no number fits. */
static int take_number(const char **format, va_list *arguments, int *number)
{
	*number = 0;
	if (**format == '*') {
		(*format)++;
		*number = va_arg(*arguments, int);
		return 0;
	}
	for (; **format >= '0' && **format <= '9'; (*format)++) {
		int digit = **format - '0';

		if (*number > (INT_MAX - digit) / 10) {
			errno = EOVERFLOW;
			return -1;
		}
		*number = *number * 10 + digit;
	}
	return 0;
}

static size_t take_size(const char **format)
{
	switch (*(*format)++) {
	case 'h':
		if (**format != 'h') {
			return sizeof(short);
		}
		(*format)++;
		return 1;
	case 'l':
		if (**format != 'l') {
			return sizeof(long);
		}
		(*format)++;
		return sizeof(long long);
	case 'j':
		return sizeof(intmax_t);
	case 'z':
		return sizeof(size_t);
	case 't':
		return sizeof(ptrdiff_t);
	default:
		(*format)--;
		return sizeof(int);
	}
}

static unsigned flag_of(char letter)
{
	switch (letter) {
	case '#':
		return ALTERNATE;
	case '0':
		return ZERO;
	case '-':
		return LEFT;
	case ' ':
		return BLANK;
	case '+':
		return PLUS;
	default:
		return 0;
	}
}

static int take_conversion(const char **format, va_list *arguments, struct conversion *conversion)
{
	conversion->flags = 0;
	for (unsigned flag; (flag = flag_of(**format)) != 0; (*format)++) {
		conversion->flags |= flag;
	}
	if (take_number(format, arguments, &conversion->width) < 0) {
		return -1;
	}
	if (conversion->width < 0) {
		conversion->flags |= LEFT;
		/* The least number has no positive one. */
		conversion->width = conversion->width == INT_MIN ? INT_MAX : -conversion->width;
	}
	conversion->precision = -1;
	if (**format == '.') {
		(*format)++;
		if (take_number(format, arguments, &conversion->precision) < 0) {
			return -1;
		}
	}
	conversion->is_wide = **format == 'l';
	conversion->size = take_size(format);
	return 0;
}

static void convert(struct output *out, struct conversion *conversion, char kind,
		    va_list *arguments)
{
	const char *text, *sign;
	int64_t number;
	char letter;

	if (conversion->is_wide && (kind == 'c' || kind == 's')) {
		unsupported();
	}
	switch (kind) {
	case 'd':
	case 'i':
		number = take_signed(arguments, conversion->size);
		sign = number < 0                  ? "-"
		       : conversion->flags & PLUS  ? "+"
		       : conversion->flags & BLANK ? " "
						   : "";
		conversion->flags &= ~ALTERNATE;
		put_number(out, conversion, number < 0 ? -(uint64_t)number : (uint64_t)number, sign,
			   10, 'a');
		break;
	case 'u':
	case 'o':
	case 'x':
	case 'X': {
		uint64_t value = take_unsigned(arguments, conversion->size);
		int prefixed = conversion->flags & ALTERNATE && value != 0;

		sign = kind == 'x' && prefixed ? "0x" : kind == 'X' && prefixed ? "0X" : "";
		put_number(out, conversion, value, sign, kind == 'u' ? 10 : kind == 'o' ? 8 : 16,
			   kind == 'X' ? 'A' : 'a');
		break;
	}
	case 'p':
		if (conversion->precision < (int)(2 * sizeof(void *))) {
			conversion->precision = 2 * sizeof(void *);
		}
		put_number(out, conversion, (uintptr_t)va_arg(*arguments, void *), "0x", 16, 'a');
		break;
	case 'c':
		letter = (char)va_arg(*arguments, int);
		put_field(out, conversion, &letter, 1);
		break;
	case 's':
		text = va_arg(*arguments, const char *);
		text = text != NULL ? text : "(null)";
		put_field(out, conversion, text,
			  conversion->precision < 0 ? strlen(text)
						    : strnlen(text, (size_t)conversion->precision));
		break;
	case 'n':
		store(arguments, conversion->size, out->total);
		break;
	case '%':
		put(out, "%", 1);
		break;
	default:
		unsupported();
	}
}

__attribute__((weak)) int OCRE_VFPRINTF(FILE *restrict file, const char *restrict format, va_list arguments)
{
	struct output out = {.file = file};
	const char *at = format;
	va_list rest;

	va_copy(rest, arguments);
	while (*at != '\0' && out.total >= 0) {
		const char *start = at;
		struct conversion conversion;

		while (*at != '\0' && *at != '%') {
			at++;
		}
		put(&out, start, (size_t)(at - start));
		if (*at == '\0') {
			break;
		}
		at++;
		if (take_conversion(&at, &rest, &conversion) < 0) {
			out.total = -1;
			break;
		}
		convert(&out, &conversion, *at, &rest);
		at++;
	}
	va_end(rest);
	flush(&out);
	return out.total < 0 ? -1 : out.total;
}

#ifdef __wasm__
/* Names that clang and wasi-libc use. */
int vfiprintf(FILE *restrict file, const char *restrict format, va_list arguments)
	__attribute__((weak, alias("vfprintf")));
int __small_vfprintf(FILE *restrict file, const char *restrict format, va_list arguments)
	__attribute__((weak, alias("vfprintf")));
#endif
#endif
