/* SPDX-License-Identifier: Apache-2.0 */
/* No stack is overrun: a guest that would is stopped before it has. */
#include "containers.h"

#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

/* What is to be left of a stack after the worst that can be done to it. */
#define LEFT_BYTES 128

ZTEST_SUITE(stacks, NULL, runtime_started, NULL, containers_removed_after, NULL);

static k_tid_t thread;

/* The change to "past its instantiation" is told on the container's own thread. */
static void note_thread(void *context)
{
	const char *name = k_thread_name_get(k_current_get());

	ARG_UNUSED(context);
	if (name != NULL && strcmp(name, "deep") == 0) {
		thread = k_current_get();
	}
}

static void left(k_tid_t of, const char *what)
{
	size_t bytes = 0;

	zassert_ok(k_thread_stack_space_get(of, &bytes));
	TC_PRINT("%s: %u of %u bytes left\n", what, (uint32_t)bytes,
		 (uint32_t)of->stack_info.size);
	zassert_true(bytes >= LEFT_BYTES);
}

static void goes_deep(const char *words, const char *what, uint32_t flags, uint32_t stack_bytes)
{
	static const char *list[4];
	const struct ocre_options options = {
		.name = "deep",
		.arguments = list,
		.argument_count = 2,
		.stack_bytes = stack_bytes,
		.flags = flags,
	};
	ocre_container_t container;
	struct ocre_status status;

	list[0] = words;
	list[1] = "x";
	thread = NULL;
	ocre_on_change(note_thread, NULL);
	zassert_ok(ocre_create("actor", &options, &container, NULL));
	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	ocre_on_change(NULL, NULL);
	zassert_not_null(thread);
	left(thread, what);
	if (strncmp(words, "recurse", 7) == 0) {
		container_ended(&status, OCRE_TRAPPED, 134, "trap-stack-overflow");
	} else {
		container_ended(&status, OCRE_EXITED, 0, "");
	}
	zassert_ok(ocre_remove(container, 0));
}

ZTEST(stacks, test_a_recursion_is_stopped_in_time)
{
	goes_deep("recurse", "compiled recursion", 0, 0);
	goes_deep("recurse", "interpreted recursion", PORTABLE, 0);
	goes_deep("recurse", "interpreted recursion on much", PORTABLE, 65536);
}

ZTEST(stacks, test_a_recursion_leaves_room_for_host_calls)
{
	goes_deep("recurse-host", "compiled recursion with files", 0, 0);
	goes_deep("recurse-host", "interpreted recursion with files", PORTABLE, 0);
	goes_deep("recurse-host", "interpreted recursion with files on much", PORTABLE, 65536);
}

ZTEST(stacks, test_host_calls_have_room)
{
	goes_deep("both", "output", 0, 0);
	goes_deep("write", "a file", 0, 0);
}

static void find_watchdog(const struct k_thread *one, void *found)
{
	const char *name = k_thread_name_get((k_tid_t)one);

	if (name != NULL && strcmp(name, "watchdog") == 0) {
		*(k_tid_t *)found = (k_tid_t)one;
	}
}

ZTEST(stacks, test_the_watchdog_has_room)
{
	static const char *const words[] = {"spin"};
	const struct ocre_options options = {
		.name = "spinning",
		.arguments = words,
		.argument_count = 1,
		.time_limit_ms = 500,
	};
	/* It starts this one again, once. */
	const struct ocre_options failing = {
		.name = "failing",
		.restart = OCRE_RESTART_ON_FAILURE,
		.restart_most = 1,
	};
	ocre_container_t container;
	struct ocre_status status;
	k_tid_t watchdog = NULL;

	zassert_ok(ocre_create("actor", &options, &container, NULL));
	zassert_ok(ocre_start(container));
	k_thread_foreach(find_watchdog, &watchdog);
	zassert_not_null(watchdog);
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	container_ended(&status, OCRE_KILLED, 137, "time-limit");
	zassert_ok(ocre_create("actor", &failing, &container, NULL));
	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	left(watchdog, "watchdog");
}

ZTEST(stacks, test_the_caller_needs_what_the_header_says)
{
	ocre_container_t container;
	size_t before, after;

	zassert_ok(k_thread_stack_space_get(k_current_get(), &before));
	zassert_ok(ocre_image_verify("actor", NULL));
	zassert_ok(k_thread_stack_space_get(k_current_get(), &after));
	TC_PRINT("verify: %u bytes used\n", CONFIG_ZTEST_STACK_SIZE - (uint32_t)after);
	container = container_made("actor", "a", "say", 0);
	zassert_ok(k_thread_stack_space_get(k_current_get(), &after));
	TC_PRINT("create: %u bytes used\n", CONFIG_ZTEST_STACK_SIZE - (uint32_t)after);
	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, OCRE_FOREVER, NULL));
	zassert_ok(ocre_remove(container, 0));
	zassert_ok(k_thread_stack_space_get(k_current_get(), &after));
	TC_PRINT("all: %u bytes used\n", CONFIG_ZTEST_STACK_SIZE - (uint32_t)after);
}
