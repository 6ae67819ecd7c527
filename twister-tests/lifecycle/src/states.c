/* SPDX-License-Identifier: Apache-2.0 */
/* What each call answers in each state, and how each end is told. */
#include "containers.h"

#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(states, NULL, runtime_started, NULL, containers_removed_after, NULL);

static void is(ocre_container_t container, uint32_t state)
{
	struct ocre_status status;

	zassert_ok(ocre_status(container, &status));
	zassert_equal(status.state, state, "state %u, expected %u", status.state, state);
}

ZTEST(states, test_starting_the_runtime_again_does_nothing)
{
	zassert_ok(ocre_init());
	zassert_ok(ocre_init());
}

ZTEST(states, test_a_created_container_does_not_run)
{
	ocre_container_t container = container_made("actor", "a", "exit 0", 0);

	is(container, OCRE_CREATED);
	zassert_equal(ocre_wait(container, OCRE_FOREVER, NULL), -ESRCH);
	zassert_equal(ocre_kill(container), -ESRCH);
	zassert_equal(ocre_stop(container, 0), -ESRCH);
	is(container, OCRE_CREATED);
	zassert_ok(ocre_remove(container, 0));
}

ZTEST(states, test_a_running_container_is_neither_started_nor_removed)
{
	ocre_container_t container = container_started("actor", "a", "sleep 60000", 0);

	is(container, OCRE_RUNNING);
	zassert_equal(ocre_start(container), -EBUSY);
	zassert_equal(ocre_remove(container, 0), -EBUSY);
	is(container, OCRE_RUNNING);
}

ZTEST(states, test_an_ended_container_is_neither_killed_nor_stopped)
{
	struct ocre_status status;
	ocre_container_t container = container_run("actor", "a", "exit 3", 0, &status);

	zassert_equal(ocre_kill(container), -ESRCH);
	zassert_equal(ocre_stop(container, 0), -ESRCH);
	zassert_ok(ocre_wait(container, 0, NULL));
	is(container, OCRE_EXITED);
	zassert_ok(ocre_remove(container, 0));
}

ZTEST(states, test_an_ended_container_is_started_again)
{
	struct ocre_status status;
	ocre_container_t container = container_run("actor", "a", "exit 3", 0, &status);

	for (int i = 0; i < 20; i++) {
		zassert_ok(ocre_start(container));
		zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
		container_ended(&status, OCRE_EXITED, 3, "");
	}
}

/* -- ends --------------------------------------------------------------------- */

static void ends(const char *words, uint32_t state, int32_t code, const char *reason)
{
	/* Compiled, and interpreted. */
	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		struct ocre_status status, later;
		ocre_container_t container = container_run("actor", "a", words, flags, &status);

		container_ended(&status, state, code, reason);
		zassert_ok(ocre_status(container, &later));
		container_ended(&later, state, code, reason);
		zassert_ok(ocre_remove(container, 0));
	}
}

ZTEST(states, test_an_exit_has_the_guests_code)
{
	ends("say", OCRE_EXITED, 0, "");
	ends("exit 1", OCRE_EXITED, 1, "");
	ends("exit 255", OCRE_EXITED, 255, "");
	ends("no-such-way", OCRE_EXITED, 2, "");
}

ZTEST(states, test_a_trap_has_its_reason)
{
	ends("unreachable", OCRE_TRAPPED, 134, "trap-unreachable");
	ends("divide", OCRE_TRAPPED, 134, "trap-divide-by-zero");
	ends("bounds", OCRE_TRAPPED, 134, "trap-memory-out-of-bounds");
	ends("indirect", OCRE_TRAPPED, 134, "trap-indirect-call-type");
	ends("recurse", OCRE_TRAPPED, 134, "trap-stack-overflow");
}

ZTEST(states, test_a_kill_ends_a_sleeping_guest_at_once)
{
	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		ocre_container_t container =
			container_started("actor", "a", "sleep 60000", flags);
		struct ocre_status status;
		int64_t before;

		k_msleep(50);
		before = k_uptime_get();
		zassert_ok(ocre_kill(container));
		zassert_ok(ocre_wait(container, 1000, &status));
		zassert_true(k_uptime_get() - before <= KILL_MS);
		container_ended(&status, OCRE_KILLED, 137, "kill");
		zassert_ok(ocre_remove(container, 0));
	}
}

ZTEST(states, test_a_kill_right_after_a_start_ends_it)
{
	for (int i = 0; i < 10; i++) {
		ocre_container_t container = container_started("actor", "a", "sleep 60000", 0);
		struct ocre_status status;

		zassert_ok(ocre_kill(container));
		(void)ocre_kill(container);
		zassert_ok(ocre_wait(container, 1000, &status));
		container_ended(&status, OCRE_KILLED, 137, "kill");
		zassert_ok(ocre_remove(container, 0));
	}
}

ZTEST(states, test_a_stop_gives_its_grace_and_then_kills)
{
	ocre_container_t container = container_started("actor", "a", "sleep 60000", 0);
	struct ocre_status status;
	int64_t before = k_uptime_get();

	zassert_ok(ocre_stop(container, 200));
	zassert_between_inclusive(k_uptime_get() - before, 200, 200 + KILL_MS);
	zassert_ok(ocre_status(container, &status));
	container_ended(&status, OCRE_KILLED, 137, "stop");
}

ZTEST(states, test_a_stop_lets_a_guest_end_by_itself)
{
	ocre_container_t container = container_started("actor", "a", "sleep 100", 0);
	struct ocre_status status;
	int64_t before = k_uptime_get();

	zassert_ok(ocre_stop(container, 5000));
	zassert_true(k_uptime_get() - before < 1000);
	zassert_ok(ocre_status(container, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
}

ZTEST(states, test_a_time_limit_ends_a_sleeping_guest)
{
	static const char *const words[] = {"sleep", "60000"};
	const struct ocre_options options = {
		.name = "a",
		.arguments = words,
		.argument_count = ARRAY_SIZE(words),
		.time_limit_ms = 150,
	};
	ocre_container_t container;
	struct ocre_status status;
	int64_t before;

	zassert_ok(ocre_create("actor", &options, &container, NULL));
	for (int i = 0; i < 3; i++) {
		before = k_uptime_get();
		zassert_ok(ocre_start(container));
		zassert_ok(ocre_wait(container, 2000, &status));
		zassert_between_inclusive(k_uptime_get() - before, 150, 150 + KILL_MS);
		container_ended(&status, OCRE_KILLED, 137, "time-limit");
	}
}

/* -- waiting ------------------------------------------------------------------ */

ZTEST(states, test_a_wait_lasts_as_long_as_it_is_told)
{
	ocre_container_t container = container_started("actor", "a", "sleep 300", 0);
	struct ocre_status status;
	int64_t before = k_uptime_get();

	zassert_equal(ocre_wait(container, 0, &status), -EAGAIN);
	zassert_equal(ocre_wait(container, 100, &status), -EAGAIN);
	zassert_between_inclusive(k_uptime_get() - before, 100, 250);
	zassert_ok(ocre_wait(container, 5000, &status));
	zassert_between_inclusive(k_uptime_get() - before, 300, 600);
	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_wait(container, 0, NULL));
}

static K_THREAD_STACK_DEFINE(other_stack, 8192);
static struct k_thread other;

static void remove_soon(void *container, void *unused1, void *unused2)
{
	ARG_UNUSED(unused1);
	ARG_UNUSED(unused2);
	k_msleep(50);
	(void)ocre_remove(*(ocre_container_t *)container, 1);
}

ZTEST(states, test_a_wait_ends_when_the_container_is_removed)
{
	static ocre_container_t container;
	int result;

	container = container_started("actor", "a", "sleep 60000", 0);
	k_thread_create(&other, other_stack, K_THREAD_STACK_SIZEOF(other_stack), remove_soon,
			&container, NULL, NULL, 5, 0, K_NO_WAIT);
	result = ocre_wait(container, 5000, NULL);
	zassert_ok(k_thread_join(&other, K_FOREVER));
	/* Which of the two it sees is a matter of which thread comes first. */
	zassert_true(result == -ENOENT || result == 0, "%d", result);
	zassert_equal(ocre_status(container, &(struct ocre_status){0}), -ENOENT);
}

/* -- changes ------------------------------------------------------------------ */

static atomic_t changes;

static void changed(void *context)
{
	zassert_equal_ptr(context, &changes);
	atomic_inc(&changes);
}

ZTEST(states, test_each_change_is_told)
{
	ocre_container_t container = container_made("actor", "a", "sleep 50", 0);
	struct ocre_status status;
	atomic_val_t before;

	atomic_clear(&changes);
	ocre_on_change(changed, &changes);
	zassert_ok(ocre_start(container));
	before = atomic_get(&changes);
	zassert_true(before >= 1, "a start is told");
	zassert_ok(ocre_wait(container, 1000, &status));
	zassert_true(atomic_get(&changes) > before, "an end is told");
	before = atomic_get(&changes);
	zassert_ok(ocre_remove(container, 0));
	zassert_true(atomic_get(&changes) > before, "a removal is told");
	ocre_on_change(NULL, NULL);
	before = atomic_get(&changes);
	(void)container_run("actor", "a", "say", 0, &status);
	zassert_equal(atomic_get(&changes), before);
}

/* A firmware looks at a container when it is told. */
static void look(void *context)
{
	struct ocre_status status;

	zassert_ok(ocre_status(*(ocre_container_t *)context, &status));
	if (status.state == OCRE_EXITED) {
		atomic_inc(&changes);
	}
}

ZTEST(states, test_the_state_can_be_asked_for_while_its_change_is_told)
{
	ocre_container_t container = container_made("actor", "a", "say", 0);

	atomic_clear(&changes);
	ocre_on_change(look, &container);
	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, 1000, NULL));
	k_msleep(10);
	ocre_on_change(NULL, NULL);
	zassert_true(atomic_get(&changes) >= 1);
}
