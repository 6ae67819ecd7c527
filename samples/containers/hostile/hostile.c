/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile WAY
 *
 * A guest that misbehaves in one way. Its first line names the way, so that a
 * test can tell that the guest did start; a way that must not get the better
 * of its host ends with a line that says how it was refused, and exit code 0.
 * Exits with 2 where there is no such way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

enum { USAGE = 2, PAGE = 65536 };

/* Values the compiler can't see through. */
static volatile int32_t zero;
static volatile uint32_t seed = 1;

/* Work of a recursion on its result, so that the compiler makes no loop of it. */
static uint32_t scramble(uint32_t x)
{
	return x ^ x >> 1;
}

static void report(const char *what, uint32_t number)
{
	char text[12];
	char *at = text + sizeof(text);

	*--at = '\0';
	*--at = '\n';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	fputs(what, stdout);
	fputs(at, stdout);
}

/* --- Traps --- */

static void way_unreachable(void)
{
	__builtin_trap();
}

static void way_divide(void)
{
	zero = (int32_t)seed / zero;
}

static void way_overflow(void)
{
	zero = INT32_MIN / (zero - 1);
}

static void way_bounds(void)
{
	*(volatile uint8_t *)(uintptr_t)0xfffffff0u = 1;
}

static int32_t of_another_type(int32_t a, int32_t b)
{
	return a + b;
}

static void way_indirect(void)
{
	/* The type of a function is checked when it is called through the table. */
	void *volatile function = (void *)of_another_type;

	((void (*)(void))function)();
}

static __attribute__((noinline)) uint32_t call_deeper(uint32_t depth)
{
	return seed == 0 ? depth : scramble(call_deeper(depth + 1));
}

static void way_recurse(void)
{
	seed = call_deeper(0);
}

static __attribute__((noinline)) uint32_t fill_deeper(uint32_t depth)
{
	volatile uint8_t frame[1024];

	frame[0] = (uint8_t)depth;
	return seed == 0 ? depth : scramble(fill_deeper(depth + 1)) + frame[0];
}

/* The stack that C keeps in linear memory, rather than the engine's own. */
static void way_stack(void)
{
	seed = fill_deeper(0);
}

/* --- Never coming back --- */

static void way_loop(void)
{
	for (;;) {
	}
}

static void way_arithmetic(void)
{
	uint32_t x = seed;

	/* Marsaglia's xorshift never reaches 0 from another number. */
	for (;;) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		if (x == 0) {
			seed = x;
		}
	}
}

static void way_memory(void)
{
	for (uint32_t i = 0;; i++) {
		seed = i;
	}
}

static __attribute__((noinline)) uint32_t count_down(uint32_t n)
{
	return n == 0 ? seed : scramble(count_down(n - 1));
}

/* No loop longer than some instructions without a call. */
static void way_calls(void)
{
	for (;;) {
		seed = count_down(8);
	}
}

static void way_host(void)
{
	for (;;) {
		__wasi_timestamp_t now;

		(void)!__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &now);
	}
}

static void way_print(void)
{
	for (;;) {
		puts("hostile: print");
	}
}

static void way_sleep(void)
{
	sleep(3600);
}

/* --- Asking for what it must not have --- */

static void way_grow(void)
{
	uint32_t pages = 0;

	while (__builtin_wasm_memory_grow(0, 1) != (size_t)-1) {
		pages++;
	}
	/* What it was given it may use, to the last byte. */
	*(volatile uint8_t *)(__builtin_wasm_memory_size(0) * PAGE - 1) = 1;
	report("refused after pages: ", pages);
}

/* Addresses in host calls that lie, in part or in whole, outside its memory. */
static void way_pointers(void)
{
	uint32_t end = (uint32_t)(__builtin_wasm_memory_size(0) * PAGE);
	uint8_t *last = (uint8_t *)(uintptr_t)(end - 1);
	__wasi_ciovec_t straddling = {last, 2};
	__wasi_ciovec_t wrapping = {last, 0xffffffffu};
	__wasi_size_t *count = (__wasi_size_t *)(uintptr_t)0xfffffffcu;
	__wasi_size_t written;
	uint32_t refused = 0;

	refused += __wasi_fd_write(1, &straddling, 1, &written) != 0;
	refused += __wasi_fd_write(1, &wrapping, 1, &written) != 0;
	refused += __wasi_fd_write(1, (const __wasi_ciovec_t *)last, 1, &written) != 0;
	refused += __wasi_fd_write(1, &straddling, 0x20000000u, &written) != 0;
	refused += __wasi_fd_write(1, &straddling, 0, count) != 0;
	refused += __wasi_random_get(last, 2) != 0;
	refused += __wasi_random_get((uint8_t *)16, 0xffffffffu) != 0;
	refused += __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1,
					 (__wasi_timestamp_t *)(last - 6)) != 0;
	report("refused of 8: ", refused);
}

/* Files of the device, or of other containers. */
static void way_escape(void)
{
	static const char *const paths[] = {
		"/..",        "/../..",           "/../blobs",     "/./../index.json",
		"/image/..",  "/image/../..",     "../index.json", "/a/../../index.json",
	};
	uint32_t refused = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int file = open(paths[i], O_RDONLY);

		if (file < 0) {
			refused++;
		} else {
			close(file);
			puts(paths[i]);
		}
	}
	report("refused of 8: ", refused);
}

/* As above, with every call that takes a path, and paths that libc would not let through. */
#define IMPORT(function) \
	__attribute__((import_module("wasi_snapshot_preview1"), import_name(#function)))

IMPORT(path_open)
int32_t raw_open(int32_t fd, int32_t lookup, const char *path, size_t length, int32_t oflags,
		 int64_t rights, int64_t inheriting, int32_t flags, uint32_t *opened);
IMPORT(path_create_directory)
int32_t raw_create_directory(int32_t fd, const char *path, size_t length);
IMPORT(path_unlink_file)
int32_t raw_unlink_file(int32_t fd, const char *path, size_t length);
IMPORT(path_remove_directory)
int32_t raw_remove_directory(int32_t fd, const char *path, size_t length);
IMPORT(path_filestat_get)
int32_t raw_filestat_get(int32_t fd, int32_t lookup, const char *path, size_t length,
			 __wasi_filestat_t *stat);
IMPORT(path_rename)
int32_t raw_rename(int32_t from_fd, const char *from, size_t from_length, int32_t to_fd,
		   const char *to, size_t to_length);
IMPORT(path_link)
int32_t raw_link(int32_t from_fd, int32_t lookup, const char *from, size_t from_length,
		 int32_t to_fd, const char *to, size_t to_length);
IMPORT(path_symlink)
int32_t raw_symlink(const char *to, size_t to_length, int32_t fd, const char *path,
		    size_t length);

static void way_trespass(void)
{
	enum { DATA = 3, IMAGE = 4, CREATE = 1, READ = 1 << 1, WRITE = 1 << 6 };
#define PATH(text) {text, sizeof(text) - 1}
#define TIMES_8(text) text text text text text text text text
	static const struct {
		const char *text;
		size_t length;
	} paths[] = {
		PATH(".."),
		PATH("../"),
		PATH("../other/secret"),
		PATH("../../index.json"),
		PATH("./../../data/other/secret"),
		PATH("inside/../../other/secret"),
		PATH("inside/../.."),
		PATH("/"),
		PATH("/data/other/secret"),
		PATH("//data/other/secret"),
		PATH("..\0/other/secret"),
		PATH("\xc0\xae\xc0\xae/other/secret"),
		PATH("inside\xff"),
		PATH(TIMES_8(TIMES_8("long"))),
		PATH(TIMES_8(TIMES_8("../")) "data/other/secret"),
		PATH(""),
	};
	uint32_t tries = 0;
	uint32_t refused = 0;
	uint32_t opened;
	__wasi_filestat_t stat;

	if (raw_create_directory(DATA, "inside", 6) != 0 ||
	    raw_open(DATA, 0, "own", 3, CREATE, READ | WRITE, 0, 0, &opened) != 0) {
		puts("nothing to begin with");
		return;
	}
	(void)!__wasi_fd_close(opened);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *text = paths[i].text;
		size_t length = paths[i].length;

		for (int32_t top = DATA; top <= IMAGE; top++) {
			refused += raw_open(top, 1, text, length, 0, READ, 0, 0, &opened) != 0;
			refused += raw_open(top, 1, text, length, CREATE, WRITE, 0, 0, &opened) != 0;
			refused += raw_create_directory(top, text, length) != 0;
			refused += raw_unlink_file(top, text, length) != 0;
			refused += raw_remove_directory(top, text, length) != 0;
			refused += raw_filestat_get(top, 1, text, length, &stat) != 0;
			refused += raw_rename(DATA, "own", 3, top, text, length) != 0;
			refused += raw_rename(top, text, length, DATA, "taken", 5) != 0;
			refused += raw_link(top, 0, text, length, DATA, "taken", 5) != 0;
			refused += raw_symlink(text, length, DATA, "taken", 5) != 0;
			tries += 10;
		}
	}
	report("tried: ", tries);
	report("refused: ", refused);
}

static const struct {
	const char *name;
	void (*go)(void);
} ways[] = {
	{"unreachable", way_unreachable},
	{"divide", way_divide},
	{"overflow", way_overflow},
	{"bounds", way_bounds},
	{"indirect", way_indirect},
	{"recurse", way_recurse},
	{"stack", way_stack},
	{"loop", way_loop},
	{"arithmetic", way_arithmetic},
	{"memory", way_memory},
	{"calls", way_calls},
	{"host", way_host},
	{"print", way_print},
	{"sleep", way_sleep},
	{"grow", way_grow},
	{"pointers", way_pointers},
	{"escape", way_escape},
	{"trespass", way_trespass},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].name) == 0) {
			fputs("hostile: ", stdout);
			puts(ways[i].name);
			fflush(stdout);
			ways[i].go();
			return 0;
		}
	}
	fputs("hostile: no such way\n", stderr);
	return USAGE;
}
