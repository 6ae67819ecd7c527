/* SPDX-License-Identifier: Apache-2.0 */
/* A shell at which somebody types: completion, and containers in the foreground. */
#include "containers.h"

#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>
#include <zephyr/sys/ring_buffer.h>
#include <zephyr/ztest.h>

#define CTRL_C "\x03"
#define CTRL_D "\x04"
#define PROMPT "typed> "

RING_BUF_DECLARE(keys, 128);
static char screen[4096];
static uint32_t shown;
static shell_transport_handler_t handler;
static void *handler_context;

static int begin(const struct shell_transport *transport, const void *config,
		 shell_transport_handler_t events, void *context)
{
	ARG_UNUSED(transport);
	ARG_UNUSED(config);
	handler = events;
	handler_context = context;
	return 0;
}

static int end(const struct shell_transport *transport)
{
	ARG_UNUSED(transport);
	return 0;
}

static int enable(const struct shell_transport *transport, bool blocking)
{
	ARG_UNUSED(transport);
	ARG_UNUSED(blocking);
	return 0;
}

static int show(const struct shell_transport *transport, const void *data, size_t length,
		size_t *count)
{
	ARG_UNUSED(transport);
	if (shown + length < sizeof(screen)) {
		memcpy(screen + shown, data, length);
		shown += length;
		screen[shown] = '\0';
	}
	*count = length;
	handler(SHELL_TRANSPORT_EVT_TX_RDY, handler_context);
	return 0;
}

static int take(const struct shell_transport *transport, void *data, size_t length, size_t *count)
{
	ARG_UNUSED(transport);
	*count = ring_buf_get(&keys, data, length);
	return 0;
}

static const struct shell_transport_api api = {
	.init = begin,
	.uninit = end,
	.enable = enable,
	.write = show,
	.read = take,
};

static struct shell_transport transport = {.api = &api};

SHELL_DEFINE(typed, PROMPT, &transport, 1, 0, SHELL_FLAG_OLF_CRLF);

static void type(const char *text)
{
	zassert_equal(ring_buf_put(&keys, (const uint8_t *)text, strlen(text)), strlen(text));
	handler(SHELL_TRANSPORT_EVT_RX_RDY, handler_context);
}

/* Waits until the screen shows that. */
static void shows(const char *expected)
{
	for (int i = 0; i < 400; i++) {
		if (strstr(screen, expected) != NULL) {
			return;
		}
		k_msleep(25);
	}
	zassert_unreachable("\"%s\" without \"%s\"", screen, expected);
}

static void clear(void)
{
	shown = 0;
	screen[0] = '\0';
}

static void *setup(void)
{
	struct shell_backend_config_flags flags = SHELL_DEFAULT_BACKEND_CONFIG_FLAGS;

	zassert_ok(ocre_init());
	flags.use_colors = 0;
	zassert_ok(shell_init(&typed, NULL, flags, false, LOG_LEVEL_NONE));
	shows(PROMPT);
	return NULL;
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	/* Whatever is left of a line. */
	type(CTRL_C);
	k_msleep(100);
	containers_removed();
	clear();
}

ZTEST_SUITE(typing, NULL, setup, NULL, after, NULL);

ZTEST(typing, test_commands_are_completed)
{
	type("ocre vers\t");
	shows("ocre version ");
	type("\n");
	shows("ocre 0.");
	clear();
	type("ocre image ver\t");
	shows("ocre image verify ");
}

ZTEST(typing, test_subcommands_are_listed)
{
	type("ocre st\t");
	shows("start");
	shows("stop");
}

ZTEST(typing, test_image_names_are_completed)
{
	type("ocre run act\t");
	shows("ocre run actor:latest");
	type(CTRL_C);
	clear();
	type("ocre image verify spa\t");
	shows("ocre image verify spare:latest");
}

ZTEST(typing, test_container_names_are_completed)
{
	(void)container_made("actor", "first-one", "say", 0);
	(void)container_made("actor", "other", "say", 0);
	type("ocre rm fir\t");
	shows("ocre rm first-one");
	type("\n");
	k_msleep(200);
	zassert_equal(containers_count(), 1);
}

static ocre_container_t running(const char *name)
{
	ocre_container_t container = 0;
	struct ocre_status status;

	for (int i = 0; i < 400; i++) {
		if (ocre_find(name, &container) == 0 && ocre_status(container, &status) == 0 &&
		    status.state == OCRE_RUNNING) {
			return container;
		}
		k_msleep(25);
	}
	zassert_unreachable("%s does not run: \"%s\"", name, screen);
	return 0;
}

ZTEST(typing, test_ctrl_c_ends_what_runs_in_the_foreground)
{
	type("ocre run --name front actor sleep 60000\n");
	(void)running("front");
	clear();
	type(CTRL_C);
	shows(PROMPT);
	type("ocre ps -a\n");
	shows("killed(kill)");
}

ZTEST(typing, test_what_is_typed_goes_to_the_guest)
{
	type("ocre run --name front actor echo\n");
	shows("ready");
	type("first line\n");
	shows("first line");
	clear();
	type(CTRL_D);
	shows("end of input");
	shows(PROMPT);
}

ZTEST(typing, test_a_kill_ends_a_guest_that_waits_for_input)
{
	ocre_container_t container;
	struct ocre_status status;
	int64_t before;

	type("ocre run --name front actor echo\n");
	shows("ready");
	container = running("front");
	before = k_uptime_get();
	zassert_ok(ocre_kill(container));
	zassert_ok(ocre_wait(container, 1000, &status));
	zassert_true(k_uptime_get() - before <= KILL_MS, "%u ms", (uint32_t)(k_uptime_get() - before));
	container_ended(&status, OCRE_KILLED, 137, "kill");
}

ZTEST(typing, test_a_stop_is_the_end_of_input)
{
	ocre_container_t container;
	struct ocre_status status;

	type("ocre run --name front actor echo\n");
	shows("ready");
	container = running("front");
	zassert_ok(ocre_stop(container, 5000));
	zassert_ok(ocre_status(container, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
	shows("end of input");
}
