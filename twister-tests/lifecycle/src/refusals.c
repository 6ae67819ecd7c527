/* SPDX-License-Identifier: Apache-2.0 */
/* Starts that fail, and guests that want more than there is: the caller hears of it
 * at once, and everything is given back. */
#include "containers.h"

#include <errno.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(refusals, NULL, runtime_started, NULL, containers_removed_after, NULL);

static void fails(const char *image, const struct ocre_options *options, const char *reason)
{
	ocre_container_t container;
	struct ocre_status status;

	zassert_ok(ocre_create(image, options, &container, NULL));
	/* More often than the heap could bear if a failure kept something of it. */
	for (int i = 0; i < 20; i++) {
		zassert_equal(ocre_start(container), -ENOEXEC);
		zassert_ok(ocre_wait(container, 0, &status));
		container_ended(&status, OCRE_FAILED, 1, reason);
		zassert_equal(ocre_kill(container), -ESRCH);
	}
	zassert_ok(ocre_remove(container, 0));
}

static void still_works(void)
{
	struct ocre_status status;
	ocre_container_t container = container_run("actor", "next", "say again", 0, &status);

	container_ended(&status, OCRE_EXITED, 0, "");
	container_wrote(container, "again\n");
	zassert_ok(ocre_remove(container, 0));
}

ZTEST(refusals, test_memory_beyond_the_limit_fails_the_start)
{
	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		fails("actor", &(struct ocre_options){.name = "a", .memory_bytes = 1024,
						      .flags = flags},
		      "limit-memory");
	}
	still_works();
}

ZTEST(refusals, test_an_empty_heap_fails_the_start)
{
	/* A memory of its own for each, until there is none for another. */
	fails("greedy", &(struct ocre_options){.name = "a"}, "out-of-memory");
	still_works();
}

ZTEST(refusals, test_a_stack_for_frames_that_the_heap_has_not_fails_the_start)
{
	fails("actor",
	      &(struct ocre_options){.name = "a", .stack_bytes = CONFIG_OCRE_HEAP_SIZE,
				     .flags = PORTABLE},
	      "out-of-memory");
	still_works();
}
