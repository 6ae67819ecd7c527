/* SPDX-License-Identifier: Apache-2.0 */
/* Guests that never let go of the processor by themselves. */
#include "containers.h"

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

static void *setup(void)
{
	zassert_ok(ocre_init());
	return NULL;
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	containers_removed();
}

ZTEST_SUITE(spinning, NULL, setup, NULL, after, NULL);

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
