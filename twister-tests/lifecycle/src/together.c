/* SPDX-License-Identifier: Apache-2.0 */
/* Several containers at once, and what each of them wrote. */
#include "containers.h"

#include <stdio.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(together, NULL, runtime_started, NULL, containers_removed_after, NULL);

/* As many as there can be, on all stacks there are, again and again. */
ZTEST(together, test_all_containers_run_at_once)
{
	ocre_container_t containers[CONFIG_OCRE_CONTAINERS];
	char name[] = "0", words[] = "say from-0";

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < CONFIG_OCRE_CONTAINERS; i++) {
			name[0] = '0' + i;
			containers[i] = container_started("actor", name, "sleep 5000",
							  i % 2 != 0 ? PORTABLE : 0);
		}
		for (int i = 0; i < CONFIG_OCRE_CONTAINERS; i++) {
			struct ocre_status status;

			zassert_ok(ocre_status(containers[i], &status));
			zassert_equal(status.state, OCRE_RUNNING);
		}
		for (int i = 0; i < CONFIG_OCRE_CONTAINERS; i++) {
			struct ocre_status status;

			zassert_ok(ocre_wait(containers[i], 10000, &status));
			container_ended(&status, OCRE_EXITED, 0, "");
			container_wrote(containers[i], "awake\n");
		}
		containers_removed();
		for (int i = 0; i < CONFIG_OCRE_CONTAINERS; i++) {
			name[0] = words[9] = '0' + i;
			containers[i] = container_started("actor", name, words, 0);
		}
		for (int i = 0; i < CONFIG_OCRE_CONTAINERS; i++) {
			char expected[16];

			zassert_ok(ocre_wait(containers[i], 5000, NULL));
			snprintf(expected, sizeof(expected), "from-%d\n", i);
			container_wrote(containers[i], expected);
		}
		containers_removed();
	}
}

ZTEST(together, test_the_end_of_one_changes_nothing_for_another)
{
	static const char *const ways[] = {"unreachable", "recurse", "bounds", "exit 9"};
	ocre_container_t bystander = container_started("actor", "bystander", "sleep 500", 0);
	ocre_container_t killed = container_started("actor", "killed", "sleep 60000", 0);
	struct ocre_status status;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		ocre_container_t one = container_run("actor", "one", ways[i], 0, &status);

		zassert_ok(ocre_remove(one, 0));
	}
	zassert_ok(ocre_kill(killed));
	zassert_ok(ocre_wait(killed, 1000, &status));
	container_ended(&status, OCRE_KILLED, 137, "kill");
	zassert_ok(ocre_wait(bystander, 5000, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
	container_wrote(bystander, "awake\n");
}

/* -- priorities ---------------------------------------------------------------- */

static ocre_container_t counted(const char *name, uint32_t priority)
{
	static const char *const words[] = {"count", "20000"};
	const struct ocre_options options = {
		.name = name,
		.arguments = words,
		.argument_count = ARRAY_SIZE(words),
		.priority = priority,
	};
	ocre_container_t container;

	zassert_ok(ocre_create("actor", &options, &container, NULL));
	return container;
}

static ocre_container_t racers[2];
static int winner;

static void note_winner(void *context)
{
	ARG_UNUSED(context);
	for (int i = 0; i < 2; i++) {
		struct ocre_status status;

		if (winner < 0 && ocre_status(racers[i], &status) == 0 &&
		    status.state == OCRE_EXITED) {
			winner = i;
		}
	}
}

ZTEST(together, test_the_more_urgent_container_ends_first)
{
	/* Started last, each of them once. */
	for (int urgent = 0; urgent < 2; urgent++) {
		racers[0] = counted("zero", urgent == 0 ? 0 : 4);
		racers[1] = counted("one", urgent == 1 ? 0 : 4);
		winner = -1;
		ocre_on_change(note_winner, NULL);
		zassert_ok(ocre_start(racers[1 - urgent]));
		zassert_ok(ocre_start(racers[urgent]));
		zassert_ok(ocre_wait(racers[0], OCRE_FOREVER, NULL));
		zassert_ok(ocre_wait(racers[1], OCRE_FOREVER, NULL));
		ocre_on_change(NULL, NULL);
		zassert_equal(winner, urgent);
		containers_removed();
	}
}

static void find_thread(const struct k_thread *thread, void *found)
{
	const char *name = k_thread_name_get((k_tid_t)thread);

	if (name != NULL && strcmp(name, "named") == 0) {
		*(int *)found = k_thread_priority_get((k_tid_t)thread);
	}
}

ZTEST(together, test_a_thread_has_its_containers_name_and_priority)
{
	static const char *const words[] = {"sleep", "60000"};
	struct ocre_options options = {
		.name = "named",
		.arguments = words,
		.argument_count = ARRAY_SIZE(words),
	};
	static const struct {
		uint32_t asked;
		int given;
	} cases[] = {
		{0, CONFIG_OCRE_PRIORITY_FIRST},
		{1, CONFIG_OCRE_PRIORITY_FIRST + 1},
		{1000, CONFIG_OCRE_PRIORITY_LAST},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ocre_container_t container;
		int found = INT_MIN;

		options.priority = cases[i].asked;
		zassert_ok(ocre_create("actor", &options, &container, NULL));
		zassert_ok(ocre_start(container));
		k_thread_foreach(find_thread, &found);
		zassert_equal(found, cases[i].given, "%d", found);
		zassert_ok(ocre_remove(container, 1));
	}
}

/* -- logs ---------------------------------------------------------------------- */

struct seen {
	int lines, streams, most;
	char last[64];
};

static int see(void *context, int stream, const char *text, uint32_t bytes)
{
	struct seen *seen = context;

	seen->lines++;
	seen->streams |= 1 << stream;
	zassert_true(bytes < sizeof(seen->last));
	memcpy(seen->last, text, bytes);
	seen->last[bytes] = '\0';
	return seen->lines != seen->most;
}

ZTEST(together, test_a_log_tells_outputs_apart)
{
	struct ocre_status status;
	ocre_container_t container = container_run("actor", "a", "both", 0, &status);
	struct seen seen = {0};

	zassert_ok(ocre_logs(container, 0, see, &seen));
	zassert_equal(seen.lines, 2);
	zassert_equal(seen.streams, 1 << 1 | 1 << 2);
	container_wrote(container, "to stdout\nto stderr\n");
}

ZTEST(together, test_a_log_gives_its_last_lines)
{
	struct ocre_status status;
	ocre_container_t container = container_run("actor", "a", "lines 9", 0, &status);
	struct seen seen = {0};

	zassert_ok(ocre_logs(container, 4, see, &seen));
	zassert_equal(seen.lines, 4);
	zassert_equal(strcmp(seen.last, "line 0000000000000009\n"), 0);
	seen = (struct seen){.most = 2};
	zassert_ok(ocre_logs(container, 4, see, &seen));
	zassert_equal(seen.lines, 2);
	zassert_equal(strcmp(seen.last, "line 0000000000000007\n"), 0);
}

ZTEST(together, test_a_log_keeps_what_came_last)
{
	struct ocre_status status;
	ocre_container_t container = container_run("actor", "a", "lines 1000", 0, &status);
	struct seen seen = {0};

	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_logs(container, 0, see, &seen));
	/* A line has 22 bytes, and the log 11 for each line besides. */
	zassert_between_inclusive(seen.lines, CONFIG_OCRE_LOG_SIZE / 33 - 1,
				  CONFIG_OCRE_LOG_SIZE / 33);
	zassert_equal(strcmp(seen.last, "line 00000000000003e8\n"), 0);
}

ZTEST(together, test_files_live_as_long_as_their_container)
{
	struct ocre_status status;
	ocre_container_t container = container_run("actor", "a", "write f kept", 0, &status);

	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_remove(container, 0));
	container = container_run("actor", "a", "read f", 0, &status);
	zassert_equal(status.code, 44, "no such file: %d", status.code);
}
