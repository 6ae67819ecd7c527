/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actor WAY [MORE]
 *
 * A guest that does one thing, by the name of its way. Exits with 2 where there is
 * no such way.
 */
#include "guest.h"

enum { STDIN = 0, STDOUT = 1, STDERR = 2, DATA = 3, USAGE = 2 };

/* Values the compiler can't see through. */
static volatile uint32_t zero;
static volatile uint32_t one = 1;

/* --- To end --- */

static void way_exit(void)
{
	__wasi_proc_exit(guest_number(guest_word(2)));
}

static void way_unreachable(void)
{
	__builtin_trap();
}

static void way_divide(void)
{
	zero = one / zero;
}

static void way_bounds(void)
{
	*(volatile uint8_t *)(uintptr_t)0xfffffff0u = 1;
}

static uint32_t of_another_type(uint32_t a, uint32_t b)
{
	return a + b;
}

static void way_indirect(void)
{
	void *volatile function = (void *)of_another_type;

	((void (*)(void))function)();
}

static __attribute__((noinline)) uint32_t deeper(uint32_t depth)
{
	return zero != 0 ? depth : (deeper(depth + 1) ^ depth) + one;
}

static void way_recurse(void)
{
	one = deeper(0);
}

static uint32_t open_data(const char *name, __wasi_oflags_t flags, __wasi_rights_t rights,
			  __wasi_fd_t *file)
{
	return __wasi_path_open(DATA, 0, name, flags, rights, 0, 0, file);
}

/* Each frame asks the host for something that takes it deep into the file system. */
static __attribute__((noinline)) uint32_t deeper_with_host(uint32_t depth)
{
	__wasi_fd_t file;
	uint32_t result = open_data("kept", __WASI_OFLAGS_CREAT,
				    __WASI_RIGHTS_FD_WRITE, &file);

	if (result == 0) {
		guest_write(file, "x", 1);
		(void)!__wasi_fd_close(file);
	}
	return zero != 0 ? result : (deeper_with_host(depth + 1) ^ depth) + one;
}

static void way_recurse_host(void)
{
	one = deeper_with_host(0);
}

/* --- To go on --- */

static void way_spin(void)
{
	for (;;) {
	}
}

static void way_count(void)
{
	for (uint32_t left = guest_number(guest_word(2)); left != 0; left--) {
		one = left;
	}
}

static void way_sleep(void)
{
	const __wasi_subscription_t until = {
		.u.tag = __WASI_EVENTTYPE_CLOCK,
		.u.u.clock = {
			.id = __WASI_CLOCKID_MONOTONIC,
			.timeout = (__wasi_timestamp_t)guest_number(guest_word(2)) * 1000000,
		},
	};
	__wasi_event_t event;
	__wasi_size_t count;

	(void)!__wasi_poll_oneoff(&until, &event, 1, &count);
	guest_print("awake");
}

/* --- To talk --- */

static void way_say(void)
{
	for (size_t i = 2; i < guest_count; i++) {
		guest_print(guest_word(i));
	}
}

static void way_both(void)
{
	guest_write(STDOUT, "to stdout\n", 10);
	guest_write(STDERR, "to stderr\n", 10);
}

static void way_lines(void)
{
	uint32_t count = guest_number(guest_word(2));

	for (uint32_t i = 1; i <= count; i++) {
		guest_report("line", i);
	}
}

/* Gives back what is typed, until the end of it. */
static void way_echo(void)
{
	uint8_t typed[32];
	const __wasi_iovec_t room = {typed, sizeof(typed)};
	__wasi_size_t count = 0;

	guest_print("ready");
	while (__wasi_fd_read(STDIN, &room, 1, &count) == 0 && count != 0) {
		guest_write(STDOUT, (const char *)typed, count);
	}
	guest_print("end of input");
}

/* --- To keep --- */

static void way_write(void)
{
	__wasi_fd_t file;
	uint32_t result = open_data(guest_word(2), __WASI_OFLAGS_CREAT | __WASI_OFLAGS_TRUNC,
				    __WASI_RIGHTS_FD_WRITE, &file);

	if (result == 0) {
		guest_write(file, guest_word(3), guest_length(guest_word(3)));
		result = __wasi_fd_close(file);
	}
	__wasi_proc_exit(result);
}

static void way_read(void)
{
	uint8_t content[64];
	const __wasi_iovec_t room = {content, sizeof(content)};
	__wasi_size_t count = 0;
	__wasi_fd_t file;
	uint32_t result = open_data(guest_word(2), 0, __WASI_RIGHTS_FD_READ, &file);

	if (result == 0) {
		result = __wasi_fd_read(file, &room, 1, &count);
		guest_write(STDOUT, (const char *)content, count);
		guest_print("");
		(void)!__wasi_fd_close(file);
	}
	__wasi_proc_exit(result);
}

/* Says whether it was here before. */
static void way_remember(void)
{
	__wasi_fd_t file;

	if (open_data("here", 0, __WASI_RIGHTS_FD_READ, &file) == 0) {
		guest_print("again");
	} else if (open_data("here", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE, &file) == 0) {
		guest_print("for the first time");
	}
}

/* Fills the partition; ends with the errno of what stopped it. */
static void way_fill(void)
{
	static const uint8_t block[512];
	const __wasi_ciovec_t piece = {block, sizeof(block)};
	__wasi_size_t written;
	__wasi_fd_t file;
	uint32_t result = open_data("full", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE, &file);

	while (result == 0) {
		result = __wasi_fd_write(file, &piece, 1, &written);
	}
	__wasi_proc_exit(result);
}

static const struct {
	const char *name;
	void (*go)(void);
} ways[] = {
	{"exit", way_exit},
	{"unreachable", way_unreachable},
	{"divide", way_divide},
	{"bounds", way_bounds},
	{"indirect", way_indirect},
	{"recurse", way_recurse},
	{"recurse-host", way_recurse_host},
	{"spin", way_spin},
	{"count", way_count},
	{"sleep", way_sleep},
	{"say", way_say},
	{"both", way_both},
	{"lines", way_lines},
	{"echo", way_echo},
	{"write", way_write},
	{"read", way_read},
	{"remember", way_remember},
	{"fill", way_fill},
};

int main(void)
{
	guest_take_words();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (guest_same(guest_word(1), ways[i].name)) {
			ways[i].go();
			return 0;
		}
	}
	return USAGE;
}
