/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled guests: they answer as interpreted ones do, run only where they are meant
 * for, and end when they are told to. */
#include "containers.h"
#include "layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#if defined(CONFIG_ARCH_POSIX) && defined(CONFIG_64BIT)
#define TARGET "x86_64"
#define CPU "x86-64"
#define ABI "gnu"
#elif defined(CONFIG_ARCH_POSIX)
#define TARGET "i386"
#define CPU "pentium4"
#define ABI "gnu"
#elif defined(CONFIG_RISCV)
#define TARGET "riscv32"
#define CPU "generic-rv32"
#define ABI "ilp32"
#elif defined(CONFIG_CPU_CORTEX_M4) && defined(CONFIG_FP_HARDABI)
#define TARGET "thumbv7em-eabihf"
#define CPU "cortex-m4"
#define ABI "eabihf"
#elif defined(CONFIG_CPU_CORTEX_M33)
#define TARGET "thumbv8m"
#define CPU "cortex-m33"
#define ABI "eabi"
#else
#define TARGET "thumbv7m"
#define CPU "cortex-m3"
#define ABI "eabi"
#endif

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	layout_give_back();
	containers_removed();
}

ZTEST_SUITE(aot, NULL, runtime_started, NULL, after, NULL);

static void says(const char *text, const char *code)
{
	size_t length = strlen(code);

	zassert_true(strncmp(text, code, length) == 0 &&
			     (text[length] == '\0' || text[length] == ' '),
		     "\"%s\", expected %s", text, code);
}

/* By its verdict, and, where that is made only when the code is loaded, by its start. */
static void refused_as(const char *image, const char *code)
{
	char text[OCRE_TEXT_BYTES];
	struct ocre_status status;
	ocre_container_t container;
	int result;

	zassert_equal(ocre_image_verify(image, text), -ENOEXEC, "%s: %s", image, code);
	says(text, code);
	zassert_not_null(strstr(text, " at manifest/layers/0"), "%s", text);
	result = ocre_create(image, &(struct ocre_options){.name = "refused"}, &container, text);
	if (result != 0) {
		zassert_equal(result, -ENOEXEC, "%d", result);
		says(text, code);
		return;
	}
	zassert_equal(ocre_start(container), -ENOEXEC);
	zassert_ok(ocre_status(container, &status));
	container_ended(&status, OCRE_FAILED, 1, code);
	zassert_ok(ocre_remove(container, 0));
}

#ifdef CONFIG_OCRE_POLICY_SIGNED_AOT

ZTEST(aot, test_a_policy_that_allows_none_refuses_all)
{
	struct ocre_status status;
	ocre_container_t container;

	refused_as("native", "aot-policy");
	/* Where there is portable code too, that is taken. */
	container = container_run("sums", "portable", "", 0, &status);
	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_remove(container, 0));
}

#elif !defined(CONFIG_OCRE_INTERPRETER)

ZTEST(aot, test_a_build_without_interpreter_runs_compiled_code_alone)
{
	struct ocre_status status;
	ocre_container_t container;

	refused_as("portable", "platform-none");
	/* Also where portable code is preferred. */
	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		container = container_run("sums", "compiled", "", flags, &status);
		container_ended(&status, OCRE_EXITED, 0, "");
		zassert_ok(ocre_remove(container, 0));
	}
}

#else

/* -- the same answers ------------------------------------------------------------ */

static char said[1024];

static void take(void *context, int error, const char *text, uint32_t bytes)
{
	ARG_UNUSED(context);
	ARG_UNUSED(error);
	zassert_true(strlen(said) + bytes < sizeof(said));
	strncat(said, text, bytes);
}

/* What `ocre image verify` says of the code that it takes. */
static bool verified_as(const char *image, const char *format)
{
	const char *const words[] = {"image", "verify", image};

	said[0] = '\0';
	zassert_equal(ocre_command(words, ARRAY_SIZE(words), take, NULL, NULL), 0, "%s", said);
	return strstr(said, format) != NULL;
}

struct lines {
	uint32_t count, bytes;
	char text[512];
};

static int take_line(void *context, int stream, const char *text, uint32_t bytes)
{
	struct lines *lines = context;

	ARG_UNUSED(stream);
	zassert_true(lines->bytes + bytes < sizeof(lines->text));
	memcpy(lines->text + lines->bytes, text, bytes);
	lines->bytes += bytes;
	lines->count++;
	return 1;
}

ZTEST(aot, test_compiled_and_interpreted_guests_give_the_same_answers)
{
	static struct lines compiled, interpreted;
	struct ocre_status status;
	ocre_container_t container;

	zassert_true(verified_as("sums", "code: aot"));
	container = container_run("sums", "compiled", "", 0, &status);
	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_logs(container, 0, take_line, &compiled));
	container = container_run("sums", "interpreted", "", PORTABLE, &status);
	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_logs(container, 0, take_line, &interpreted));
	TC_PRINT("%s", compiled.text);
	zassert_equal(compiled.count, 8);
	zassert_equal(strcmp(compiled.text, interpreted.text), 0, "%s", interpreted.text);
}

ZTEST(aot, test_an_image_of_compiled_code_alone_runs)
{
	struct ocre_status status;
	ocre_container_t container;

	zassert_true(verified_as("native", "code: aot"));
	container = container_run("native", "a", "", 0, &status);
	container_ended(&status, OCRE_EXITED, 0, "");
}

/* -- what is refused --------------------------------------------------------------- */

ZTEST(aot, test_code_for_another_board_is_refused)
{
	refused_as("foreign", "aot-target");
}

static void manifest_refused(const char *from, const char *to, const char *expected)
{
	layout_take("native:latest");
	layout_edit(LAYOUT_MANIFEST, from, to);
	refused_as("sample", expected);
	layout_give_back();
}

ZTEST(aot, test_what_a_layer_says_of_itself_must_fit)
{
	manifest_refused("aot.target\":\"" TARGET, "aot.target\":\"" FOREIGN,
			 "aot-target");
	manifest_refused("aot.cpu\":\"" CPU, "aot.cpu\":\"vax",
			 "aot-target");
	manifest_refused("aot.abi\":\"" ABI, "aot.abi\":\"other",
			 "aot-abi");
	manifest_refused("aot.wamr\":\"", "aot.wamr\":\"1.", "aot-version");
	manifest_refused("dev.ocre.aot.target", "other", "aot-metadata");
	/* Code that can't be stopped is for those who ask for it. */
	manifest_refused("interruptible\":\"true", "interruptible\":\"false",
			 "aot-policy");
}

/* Changes bytes of the code, whose digests are then right. */
static void code_refused(uint32_t at, uint8_t to, const char *expected)
{
	uint32_t count;
	uint8_t *code;

	layout_take("native:latest");
	code = layout_code(&count);
	zassert_not_equal(code[at], to);
	code[at] = to;
	layout_replace(LAYOUT_CODE, code, count);
	refused_as("sample", expected);
	layout_give_back();
}

ZTEST(aot, test_what_the_code_says_of_itself_must_fit)
{
	code_refused(1, 'x', "layer-magic");
	code_refused(4, 5, "aot-version");
	/* The machine, as ELF numbers them. */
	code_refused(22, 0, "aot-target");
}

ZTEST(aot, test_code_that_is_cut_is_refused)
{
	/* Not within create: what is loaded is looked at when it is. */
	for (uint32_t eighths = 1; eighths < 8; eighths++) {
		uint32_t count;
		uint8_t *code;

		layout_take("native:latest");
		code = layout_code(&count);
		layout_replace(LAYOUT_CODE, code, count * eighths / 8);
		zassert_equal(ocre_image_verify("sample", NULL), -ENOEXEC);
		layout_give_back();
	}
}

/* -- what must end ------------------------------------------------------------------ */

#ifndef CONFIG_ARCH_POSIX
/* On the simulator time stands still while a guest computes. */
ZTEST(aot, test_a_tight_loop_is_killed)
{
	ocre_container_t container = container_started("actor", "a", "spin", 0);
	struct ocre_status status;
	int64_t before;

	zassert_true(verified_as("actor", "code: aot"));
	zassert_equal(ocre_wait(container, 200, &status), -EAGAIN);
	before = k_uptime_get();
	zassert_ok(ocre_kill(container));
	zassert_ok(ocre_wait(container, 1000, &status));
	zassert_true(k_uptime_get() - before <= KILL_MS);
	container_ended(&status, OCRE_KILLED, 137, "kill");
}
#endif

/* Another container goes on meanwhile. */
ZTEST(aot, test_compiled_guests_trap)
{
	static const struct {
		const char *words, *reason;
	} cases[] = {
		{"unreachable", "trap-unreachable"},
		{"divide", "trap-divide-by-zero"},
		{"bounds", "trap-memory-out-of-bounds"},
		{"indirect", "trap-indirect-call-type"},
		{"recurse", "trap-stack-overflow"},
		{"recurse-host", "trap-stack-overflow"},
	};

	ocre_container_t other = container_started("actor", "other", "sleep 60000", 0);
	struct ocre_status status;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ocre_container_t container =
			container_run("actor", "a", cases[i].words, 0, &status);

		container_ended(&status, OCRE_TRAPPED, 134, cases[i].reason);
		zassert_ok(ocre_remove(container, 0));
	}
	zassert_ok(ocre_status(other, &status));
	zassert_equal(status.state, OCRE_RUNNING);
}

#endif
