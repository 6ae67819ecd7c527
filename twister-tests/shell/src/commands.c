/* SPDX-License-Identifier: Apache-2.0 */
/* Every command, as a line of the shell, with what it prints and how it ends. */
#include "containers.h"
#include "layout.h"

#include <stdio.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>
#include <zephyr/shell/shell_dummy.h>
#include <zephyr/ztest.h>

static const struct shell *shell;
static char said[CONFIG_SHELL_BACKEND_DUMMY_BUF_SIZE + 1];

static void *setup(void)
{
	zassert_ok(ocre_init());
	shell = shell_backend_dummy_get_ptr();
	/* The shell starts on a thread of its own. */
	k_msleep(200);
	return NULL;
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	layout_give_back();
	containers_removed();
}

ZTEST_SUITE(commands, NULL, setup, NULL, after, NULL);

static int line(const char *text)
{
	const char *output;
	size_t bytes, kept = 0;
	int result;

	shell_backend_dummy_clear_output(shell);
	result = shell_execute_cmd(shell, text);
	output = shell_backend_dummy_get_output(shell, &bytes);
	/* The shell ends its lines with two characters. */
	for (size_t i = 0; i < bytes; i++) {
		if (output[i] != '\r') {
			said[kept++] = output[i];
		}
	}
	said[kept] = '\0';
	return result;
}

/* A line ends so, and its output has that in it. */
static void says(const char *text, int result, const char *expected)
{
	int found = line(text);

	zassert_equal(found, result, "%s: %d, expected %d: %s", text, found, result, said);
	zassert_not_null(strstr(said, expected), "%s: \"%s\" without \"%s\"", text, said, expected);
}

static void says_not(const char *text, int result, const char *unexpected)
{
	says(text, result, "");
	zassert_is_null(strstr(said, unexpected), "%s: %s", text, said);
}

ZTEST(commands, test_help)
{
	says("ocre", 0, "image verify");
	says("ocre help", 0, "image verify");
	says("ocre help run", 0, "usage: ocre run");
	/* Zephyr's shell answers this one itself. */
	says("ocre run --help", 1, "run - Create and run");
	says("ocre help no-such-command", 2, "no-such-command");
}

ZTEST(commands, test_version_and_info)
{
	says("ocre version", 0, "ocre ");
	says("ocre info", 0, "interpreter: yes");
	says("ocre info", 0, "storage: ");
	says("ocre info --format json", 0, "{\"");
}

ZTEST(commands, test_image_ls)
{
	says("ocre image ls", 0, "actor:latest");
	says("ocre image ls", 0, "spare:latest");
	says("ocre image ls --format json", 0, "\"actor:latest\"");
}

ZTEST(commands, test_image_inspect)
{
	says("ocre image inspect actor", 0, "\"sha256:");
	says("ocre image inspect absent", 1, "reference-not-found");
}

ZTEST(commands, test_image_verify)
{
	says("ocre image verify spare", 0, "verdict: ok");
	says("ocre image verify --format json spare", 0,
	     "{\"verdict\":\"ok\",\"code\":null,\"at\":null,\"warnings\":[]}");
	layout_take("spare:latest");
	layout_edit(LAYOUT_CONFIG, "wasip1", "wasip2");
	says("ocre image verify sample", 1, "config-os");
	says("ocre image verify --all sample", 1, "verdict: rejected");
	says("ocre run --name a sample", 1, "config-os");
}

ZTEST(commands, test_image_rm_and_prune)
{
	/* Removed for good: the last test that has it. */
	says("ocre create --name user doomed say", 0, "user");
	says("ocre image rm doomed", 1, "image-in-use");
	says("ocre rm user", 0, "");
	says("ocre image rm doomed", 0, "");
	says_not("ocre image ls", 0, "doomed");
	says("ocre image rm doomed", 1, "reference-not-found");
	says("ocre image prune", 0, "freed ");
	says("ocre image prune", 0, "freed 0 blobs, 0 bytes");
	says("ocre image verify actor", 0, "verdict: ok");
}

ZTEST(commands, test_run)
{
	says("ocre run --name a actor say hello there", 0, "hello\nthere\n");
	says("ocre run --name b --rm actor exit 7", 7, "");
	says("ocre run --name c --rm actor unreachable", 134, "trap-unreachable");
	says("ocre run --name d --rm --timeout 0.1 actor sleep 60000", 137, "time-limit");
	says("ocre run --name e --rm --prefer wasm actor say portable", 0, "portable\n");
	says("ocre run --name f --rm --memory 1K actor say", 1, "limit-memory");
	says("ocre ps -a", 0, "a ");
	says_not("ocre ps -a", 0, "b ");
	says("ocre run --name a actor say", 1, "container-name-taken");
	says("ocre run --name h absent", 1, "reference-not-found");
}

ZTEST(commands, test_run_detached)
{
	says("ocre run -d --name a actor sleep 60000", 0, "a\n");
	says("ocre ps", 0, "a ");
	says("ocre ps", 0, "running");
	says("ocre kill a", 0, "");
	says("ocre wait a", 0, "137\n");
	says("ocre ps -a", 0, "killed(kill)");
	says_not("ocre ps", 0, "killed");
	says("ocre kill a", 1, "container-not-running");
	says("ocre rm a", 0, "");
	says("ocre rm a", 1, "container-not-found");
}

ZTEST(commands, test_create_and_start)
{
	says("ocre create --name a -e KEY=value actor exit 3", 0, "a\n");
	says("ocre ps -a", 0, "created");
	says("ocre wait a", 1, "container-not-started");
	says("ocre start a", 0, "");
	says("ocre wait a", 0, "3\n");
	says("ocre inspect a", 0, "\"KEY=value\"");
	says("ocre inspect a", 0, "exit");
	says("ocre ps -a --format json", 0, "\"a\"");
	says("ocre create --name a actor", 1, "container-name-taken");
	says("ocre create --name A actor", 1, "container-name-syntax");
	says("ocre start b", 1, "container-not-found");
	says("ocre inspect b", 1, "container-not-found");
}

ZTEST(commands, test_a_failed_start_says_why)
{
	says("ocre create --name a --memory 1K actor say", 0, "a\n");
	says("ocre start a", 1, "limit-memory");
	says("ocre ps -a", 0, "failed(limit-memory)");
}

ZTEST(commands, test_stop)
{
	says("ocre run -d --name a actor sleep 60000", 0, "a\n");
	says("ocre start a", 1, "container-running");
	says("ocre rm a", 1, "container-running");
	says("ocre stop -t 0.1 a", 0, "");
	says("ocre ps -a", 0, "killed(stop)");
	says("ocre stop a", 1, "container-not-running");
	says("ocre run -d --name b actor sleep 60000", 0, "b\n");
	says("ocre rm -f b", 0, "");
	says_not("ocre ps -a", 0, "b ");
}

ZTEST(commands, test_pause_and_restart)
{
	says("ocre run -d --name a --restart on-failure:2 --priority 1 actor sleep 60000", 0, "a\n");
	says("ocre unpause a", 1, "container-not-paused");
	says("ocre pause a", 0, "");
	says("ocre ps", 0, "paused");
	says("ocre pause a", 1, "container-paused");
	says("ocre unpause a", 0, "");
	says("ocre restart -t 0 a", 0, "");
	says("ocre ps", 0, "running");
	says("ocre inspect a", 0, "\"on-failure:2\"");
	says("ocre stats", 0, "RESTARTS");
	says("ocre stats --format json", 0, "\"hostCalls\"");
	says("ocre kill a", 0, "");
	says("ocre wait a", 0, "137\n");
	says("ocre events", 0, "a paused\n");
	says("ocre events", 0, "a killed(kill)\n");
	says("ocre pause a", 1, "can't pause a: container-not-running");
	says("ocre rm a", 0, "");
	says("ocre events", 0, "a removed\n");
	says("ocre restart a", 1, "container-not-found");
	says("ocre create --name b --restart never actor", 2, "--restart");
}

ZTEST(commands, test_logs)
{
	says("ocre run -d --name a actor lines 3", 0, "a\n");
	says("ocre wait a", 0, "0\n");
	says("ocre logs a", 0, "line 0000000000000001\nline 0000000000000002\n");
	says_not("ocre logs -n 1 a", 0, "line 0000000000000002\n");
	says("ocre logs --follow a", 0, "line 0000000000000003\n");
	says("ocre logs b", 1, "container-not-found");
}

ZTEST(commands, test_bad_usage)
{
	static const char *const lines[] = {
		"ocre no-such-command",
		"ocre image",
		"ocre image no-such-command",
		"ocre image verify",
		"ocre image verify one two",
		"ocre image verify --no-such-option actor",
		"ocre image verify --format xml actor",
		"ocre image rm",
		"ocre run",
		"ocre run --name",
		"ocre run --memory much actor",
		"ocre run --timeout soon actor",
		"ocre run --prefer java actor",
		"ocre create",
		"ocre start",
		"ocre start one two",
		"ocre stop -t soon one",
		"ocre kill",
		"ocre wait",
		"ocre rm",
		"ocre ps one",
		"ocre logs",
		"ocre logs -n few one",
		"ocre inspect",
		"ocre version one",
		"ocre info one",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		says(lines[i], 2, "");
		zassert_true(said[0] != '\0', "%s says nothing", lines[i]);
	}
	zassert_equal(containers_count(), 0);
}

/* A device without randomness asks for a name rather than to repeat one. */
ZTEST(commands, test_a_name_is_asked_for_where_none_can_be_made_up)
{
	says("ocre run actor say", IS_ENABLED(CONFIG_CSPRNG_ENABLED) ? 0 : 1,
	     IS_ENABLED(CONFIG_CSPRNG_ENABLED) ? "" : "container-name-needed");
}
