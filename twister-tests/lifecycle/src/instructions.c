/* SPDX-License-Identifier: Apache-2.0 */
/* Guests that may execute so many instructions and no more. */
#include "containers.h"

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(instructions, NULL, runtime_started, NULL, containers_removed_after, NULL);

static int created(const char *image, const char *name, const char *const *words, uint32_t count,
		   uint32_t most, uint32_t flags, ocre_container_t *container)
{
	const struct ocre_options options = {
		.name = name,
		.arguments = words,
		.argument_count = count,
		.instructions = most,
		.flags = flags,
	};

	return ocre_create(image, &options, container, NULL);
}

static void runs(ocre_container_t container, uint32_t state, int32_t code, const char *reason)
{
	struct ocre_status status;

	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	container_ended(&status, state, code, reason);
}

/* On the simulator nothing else ends a guest that spins: there time stands still meanwhile. */
ZTEST(instructions, test_a_spinning_guest_is_trapped_in_each_of_its_runs)
{
	static const char *const words[] = {"spin"};

	/* It is run as portable code, also where nobody has asked for that. */
	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		ocre_container_t container;

		zassert_ok(created("actor", "a", words, 1, 200000, flags, &container));
		for (int i = 0; i < 3; i++) {
			runs(container, OCRE_TRAPPED, 134, "trap-instruction-limit");
		}
		zassert_ok(ocre_remove(container, 0));
	}
}

/* A run has them all to itself, and what its host calls take is not counted. */
ZTEST(instructions, test_a_guest_that_executes_less_is_left_alone)
{
	static const char *const words[] = {"count", "4000"};
	ocre_container_t container;

	zassert_ok(created("actor", "a", words, 2, 100000, 0, &container));
	/* Ten runs together execute more than one may. */
	for (int i = 0; i < 10; i++) {
		runs(container, OCRE_EXITED, 0, "");
	}
	zassert_ok(ocre_remove(container, 0));
}

ZTEST(instructions, test_a_guest_that_counts_further_comes_to_its_limit)
{
	static const char *const words[] = {"count", "100000"};
	ocre_container_t limited, free;

	zassert_ok(created("actor", "a", words, 2, 100000, 0, &limited));
	runs(limited, OCRE_TRAPPED, 134, "trap-instruction-limit");
	/* It is the limit that ends it, and not the guest. */
	zassert_ok(created("actor", "b", words, 2, 0, 0, &free));
	runs(free, OCRE_EXITED, 0, "");
}

/* The limit of one is not another's. */
ZTEST(instructions, test_a_guest_at_its_limit_ends_alone)
{
	static const char *const spin[] = {"spin"};
	static const char *const sleep[] = {"sleep", "200"};
	ocre_container_t spinning, sleeping;
	struct ocre_status status;

	zassert_ok(created("actor", "a", sleep, 2, 200000, 0, &sleeping));
	zassert_ok(created("actor", "b", spin, 1, 200000, 0, &spinning));
	zassert_ok(ocre_start(sleeping));
	runs(spinning, OCRE_TRAPPED, 134, "trap-instruction-limit");
	zassert_ok(ocre_wait(sleeping, OCRE_FOREVER, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
}

ZTEST(instructions, test_a_limit_that_can_not_be_counted_is_refused)
{
	static const char *const words[] = {"exit", "0"};
	ocre_container_t container;

	zassert_equal(created("actor", "a", words, 2, 2147483648u, 0, &container), -EINVAL);
	zassert_equal(created("actor", "a", words, 2, UINT32_MAX, 0, &container), -EINVAL);
	zassert_equal(containers_count(), 0);
	zassert_ok(created("actor", "a", words, 2, 2147483647u, 0, &container));
	runs(container, OCRE_EXITED, 0, "");
	/* AOT code is not counted. */
	zassert_equal(created("compiled", "b", words, 2, 200000, 0, &container), -ENOEXEC);
	zassert_ok(created("compiled", "b", words, 2, 0, 0, &container));
	runs(container, OCRE_EXITED, 0, "");
}
