/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that are paused, and that are started again, by hand and by themselves. */
#include "containers.h"

#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(holding, NULL, runtime_started, NULL, containers_removed_after, NULL);

static void is(ocre_container_t container, uint32_t state)
{
	struct ocre_status status;

	zassert_ok(ocre_status(container, &status));
	zassert_equal(status.state, state, "state %u, expected %u", status.state, state);
}

ZTEST(holding, test_a_paused_guest_goes_on_only_when_it_is_let)
{
	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		ocre_container_t container = container_started("actor", "a", "sleep 2000", flags);
		struct ocre_status status;

		zassert_ok(ocre_pause(container));
		is(container, OCRE_PAUSED);
		/* Its sleep is over by then. */
		zassert_equal(ocre_wait(container, 2500, &status), -EAGAIN);
		container_wrote(container, "");
		zassert_ok(ocre_unpause(container));
		zassert_ok(ocre_wait(container, 5000, &status));
		container_ended(&status, OCRE_EXITED, 0, "");
		container_wrote(container, "awake\n");
		zassert_ok(ocre_remove(container, 0));
	}
}

ZTEST(holding, test_a_paused_guest_is_killed_stopped_and_removed)
{
	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		ocre_container_t container =
			container_started("actor", "a", "sleep 60000", flags);
		struct ocre_status status;
		int64_t before;

		zassert_ok(ocre_pause(container));
		k_msleep(50);
		before = k_uptime_get();
		zassert_ok(ocre_kill(container));
		zassert_ok(ocre_wait(container, 1000, &status));
		zassert_true(k_uptime_get() - before <= KILL_MS);
		container_ended(&status, OCRE_KILLED, 137, "kill");

		zassert_ok(ocre_start(container));
		zassert_ok(ocre_pause(container));
		before = k_uptime_get();
		/* It can't see that it is asked, so it is not given the time. */
		zassert_ok(ocre_stop(container, 60000));
		zassert_true(k_uptime_get() - before <= KILL_MS);
		zassert_ok(ocre_status(container, &status));
		container_ended(&status, OCRE_KILLED, 137, "stop");

		zassert_ok(ocre_start(container));
		zassert_ok(ocre_pause(container));
		zassert_ok(ocre_remove(container, 1));
	}
}

ZTEST(holding, test_each_call_has_its_answer_in_each_state)
{
	ocre_container_t container = container_made("actor", "a", "sleep 60000", 0);

	zassert_equal(ocre_pause(container), -ESRCH);
	zassert_equal(ocre_unpause(container), -EBUSY);
	zassert_ok(ocre_start(container));
	zassert_equal(ocre_unpause(container), -EBUSY);
	zassert_ok(ocre_pause(container));
	zassert_equal(ocre_pause(container), -EBUSY);
	zassert_equal(ocre_start(container), -EBUSY);
	zassert_equal(ocre_remove(container, 0), -EBUSY);
	zassert_ok(ocre_restart(container, 0));
	is(container, OCRE_RUNNING);
	zassert_ok(ocre_kill(container));
	zassert_ok(ocre_wait(container, 1000, NULL));
	zassert_equal(ocre_pause(container), -ESRCH);
	zassert_equal(ocre_unpause(container), -EBUSY);
	zassert_ok(ocre_remove(container, 0));
	zassert_equal(ocre_pause(container), -ENOENT);
	zassert_equal(ocre_unpause(container), -ENOENT);
	zassert_equal(ocre_restart(container, 0), -ENOENT);
}

ZTEST(holding, test_a_restart_begins_anew_whatever_went_before)
{
	ocre_container_t container = container_made("actor", "a", "remember", 0);

	zassert_ok(ocre_restart(container, 0));
	zassert_ok(ocre_wait(container, 1000, NULL));
	zassert_ok(ocre_restart(container, 0));
	zassert_ok(ocre_wait(container, 1000, NULL));
	container_wrote(container, "for the first time\nagain\n");
	zassert_ok(ocre_remove(container, 0));

	container = container_started("actor", "a", "sleep 60000", 0);
	zassert_ok(ocre_restart(container, 100));
	is(container, OCRE_RUNNING);
}

/* -- by itself ------------------------------------------------------------------ */

static ocre_container_t with_policy(const char *words, uint32_t restart, uint32_t most)
{
	const char *list[] = {words, "3"};
	const struct ocre_options options = {
		.name = "a",
		.arguments = list,
		.argument_count = ARRAY_SIZE(list),
		.restart = restart,
		.restart_most = most,
	};
	ocre_container_t container = 0;

	zassert_ok(ocre_create("actor", &options, &container, NULL));
	return container;
}

ZTEST(holding, test_what_fails_is_started_again_and_then_given_up)
{
	ocre_container_t container = with_policy("exit", OCRE_RESTART_ON_FAILURE, 1);
	struct ocre_status status;
	int64_t before = k_uptime_get();

	zassert_ok(ocre_start(container));
	zassert_equal(ocre_wait(container, 500, &status), -EAGAIN);
	zassert_ok(ocre_status(container, &status));
	zassert_equal(status.state, OCRE_RESTARTING);
	zassert_equal(status.code, 3);
	zassert_ok(ocre_wait(container, 10000, &status));
	/* One second, and twice what a run takes. */
	zassert_between_inclusive(k_uptime_get() - before, 1000, 4000);
	is(container, OCRE_CRASH_LOOP);
	/* Whoever starts it clears that. */
	zassert_ok(ocre_start(container));
	zassert_equal(ocre_wait(container, 500, &status), -EAGAIN);
	is(container, OCRE_RESTARTING);
	zassert_ok(ocre_kill(container));
	is(container, OCRE_EXITED);
}

ZTEST(holding, test_what_does_well_rests_unless_it_is_to_run_always)
{
	ocre_container_t container = with_policy("say", OCRE_RESTART_ON_FAILURE, 0);
	struct ocre_status status;

	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, 5000, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_remove(container, 0));
	container = with_policy("say", OCRE_RESTART_ALWAYS, 0);
	zassert_ok(ocre_start(container));
	zassert_equal(ocre_wait(container, 2500, &status), -EAGAIN);
	zassert_ok(ocre_stop(container, 1000));
	is(container, OCRE_EXITED);
	zassert_equal(ocre_stop(container, 0), -ESRCH);
}

ZTEST(holding, test_a_policy_that_makes_no_sense_is_refused)
{
	ocre_container_t container;
	struct ocre_options options = {.name = "a", .restart = 3};

	zassert_equal(ocre_create("actor", &options, &container, NULL), -EINVAL);
	options.restart = OCRE_RESTART_ON_FAILURE;
	options.restart_most = 256;
	zassert_equal(ocre_create("actor", &options, &container, NULL), -EINVAL);
	options.restart = OCRE_RESTART_ALWAYS;
	options.restart_most = 1;
	zassert_equal(ocre_create("actor", &options, &container, NULL), -EINVAL);
}
