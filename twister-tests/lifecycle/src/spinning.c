/* SPDX-License-Identifier: Apache-2.0 */
/* Guests that never let go of the processor by themselves. */
#include "containers.h"

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(spinning, NULL, runtime_started, NULL, containers_removed_after, NULL);

ZTEST(spinning, test_a_kill_ends_a_spinning_guest_at_once)
{
	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		ocre_container_t container = container_started("actor", "a", "spin", flags);
		struct ocre_status status;
		int64_t before;

		zassert_equal(ocre_wait(container, 300, &status), -EAGAIN);
		before = k_uptime_get();
		zassert_ok(ocre_kill(container));
		zassert_ok(ocre_wait(container, 1000, &status));
		zassert_true(k_uptime_get() - before <= KILL_MS);
		container_ended(&status, OCRE_KILLED, 137, "kill");
		zassert_ok(ocre_remove(container, 0));
	}
}

ZTEST(spinning, test_a_stop_ends_a_spinning_guest_after_its_grace)
{
	ocre_container_t container = container_started("actor", "a", "spin", 0);
	struct ocre_status status;
	int64_t before = k_uptime_get();

	zassert_ok(ocre_stop(container, 200));
	zassert_between_inclusive(k_uptime_get() - before, 200, 200 + KILL_MS);
	zassert_ok(ocre_status(container, &status));
	container_ended(&status, OCRE_KILLED, 137, "stop");
}

ZTEST(spinning, test_a_time_limit_ends_a_spinning_guest)
{
	static const char *const words[] = {"spin"};
	struct ocre_options options = {
		.name = "a",
		.arguments = words,
		.argument_count = 1,
		.time_limit_ms = 300,
	};

	for (options.flags = 0; options.flags <= PORTABLE; options.flags += PORTABLE) {
		ocre_container_t container;
		struct ocre_status status;
		int64_t before = k_uptime_get();

		zassert_ok(ocre_create("actor", &options, &container, NULL));
		before = k_uptime_get();
		zassert_ok(ocre_start(container));
		zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
		zassert_between_inclusive(k_uptime_get() - before, 300, 300 + KILL_MS);
		container_ended(&status, OCRE_KILLED, 137, "time-limit");
		zassert_ok(ocre_remove(container, 0));
	}
}

/* The firmware's own threads are more urgent, and containers share by priority. */
ZTEST(spinning, test_spinning_guests_starve_nobody_more_urgent)
{
	static const char *const words[] = {"spin"};
	struct ocre_options options = {
		.name = "a",
		.arguments = words,
		.argument_count = 1,
		.priority = CONFIG_OCRE_PRIORITY_LAST - CONFIG_OCRE_PRIORITY_FIRST,
	};
	ocre_container_t idle_one, urgent;
	struct ocre_status status;
	int64_t before;

	zassert_ok(ocre_create("actor", &options, &idle_one, NULL));
	zassert_ok(ocre_start(idle_one));
	before = k_uptime_get();
	k_msleep(100);
	zassert_between_inclusive(k_uptime_get() - before, 100, 130);
	urgent = container_run("actor", "urgent", "sleep 100", 0, &status);
	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_status(idle_one, &status));
	zassert_equal(status.state, OCRE_RUNNING);
	zassert_ok(ocre_remove(urgent, 0));
	zassert_ok(ocre_remove(idle_one, 1));
}

static ocre_container_t with_priority(const char *name, const char *const *words, uint32_t count,
				      uint32_t priority, uint32_t flags)
{
	const struct ocre_options options = {
		.name = name,
		.arguments = words,
		.argument_count = count,
		.priority = priority,
		.flags = flags,
	};
	ocre_container_t container;

	zassert_ok(ocre_create("actor", &options, &container, NULL));
	zassert_ok(ocre_start(container));
	return container;
}

/* A more urgent guest that spins lets the other run while it is paused, and then only. */
ZTEST(spinning, test_a_paused_guest_computes_nothing)
{
	static const char *const spin[] = {"spin"};
	static const char *const sleep[] = {"sleep", "100"};

	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		ocre_container_t other = with_priority("b", sleep, 2, 1, flags);
		ocre_container_t urgent = with_priority("a", spin, 1, 0, flags);
		struct ocre_status status;

		zassert_equal(ocre_wait(other, 500, &status), -EAGAIN);
		zassert_ok(ocre_pause(urgent));
		zassert_ok(ocre_wait(other, 2000, &status));
		container_ended(&status, OCRE_EXITED, 0, "");
		zassert_ok(ocre_start(other));
		zassert_ok(ocre_unpause(urgent));
		zassert_equal(ocre_wait(other, 500, &status), -EAGAIN);
		zassert_ok(ocre_pause(urgent));
		zassert_ok(ocre_wait(other, 2000, &status));
		zassert_ok(ocre_remove(urgent, 1));
		zassert_ok(ocre_remove(other, 0));
	}
}

/* Of the same priority as one that spins, another has its turns. */
ZTEST(spinning, test_spinning_guests_do_not_starve_their_equals)
{
	static const char *const spin[] = {"spin"};
	static const char *const count[] = {"count", "20000"};

	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		ocre_container_t spinning = with_priority("a", spin, 1, 0, flags);
		ocre_container_t too = with_priority("b", spin, 1, 0, flags);
		ocre_container_t counting = with_priority("c", count, 2, 0, flags);
		struct ocre_status status;

		zassert_ok(ocre_wait(counting, 20000, &status));
		container_ended(&status, OCRE_EXITED, 0, "");
		zassert_ok(ocre_remove(spinning, 1));
		zassert_ok(ocre_remove(too, 1));
		zassert_ok(ocre_remove(counting, 0));
	}
}
