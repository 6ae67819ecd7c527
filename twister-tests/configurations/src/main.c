/* SPDX-License-Identifier: Apache-2.0 */
/* The main ways of a container, in firmware that is configured as users have it. */
#include "containers.h"

#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/kernel_version.h>
#include <zephyr/ztest.h>

#ifdef CONFIG_CPP
#include "other_language.h"
#endif

ZTEST_SUITE(configurations, NULL, runtime_started, NULL, containers_removed_after, NULL);

#ifdef CONFIG_OCRE_SUITE_LTO
ZTEST(configurations, test_the_linker_optimizes)
{
	if (SYS_KERNEL_VER_MAJOR(sys_kernel_version_get()) == 3 &&
	    SYS_KERNEL_VER_MINOR(sys_kernel_version_get()) < 6) {
		ztest_test_skip();
	}
	zassert_true(IS_ENABLED(CONFIG_LTO));
}
#endif

static void runs(uint32_t flags)
{
	struct ocre_status status;

	container_run("sums", "a", "", flags, &status);
	container_ended(&status, OCRE_EXITED, 0, "");
}

ZTEST(configurations, test_an_interpreted_guest_runs)
{
	runs(PORTABLE);
}

/* Interpreted again where the build has no AOT code. */
ZTEST(configurations, test_a_compiled_guest_runs)
{
	runs(0);
}

ZTEST(configurations, test_a_trap_ends_its_container_alone)
{
	ocre_container_t other = container_started("actor", "other", "sleep 60000", 0);
	struct ocre_status status;

	container_run("actor", "a", "recurse", 0, &status);
	container_ended(&status, OCRE_TRAPPED, 134, "trap-stack-overflow");
	zassert_ok(ocre_status(other, &status));
	zassert_equal(status.state, OCRE_RUNNING);
}

ZTEST(configurations, test_a_file_stays)
{
	struct ocre_status status;
	ocre_container_t container;

	container = container_run("actor", "a", "remember", 0, &status);
	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
}

#ifndef CONFIG_ARCH_POSIX
/* On the simulator time stands still while a guest computes. */
ZTEST(configurations, test_a_guest_that_computes_is_killed)
{
	for (uint32_t flags = 0; flags <= PORTABLE; flags += PORTABLE) {
		ocre_container_t container = container_started("actor", "a", "spin", flags);
		struct ocre_status status;

		k_sleep(K_MSEC(100));
		zassert_ok(ocre_kill(container));
		zassert_ok(ocre_wait(container, 1000, &status));
		container_ended(&status, OCRE_KILLED, 137, "kill");
		zassert_ok(ocre_remove(container, 0));
	}
}
#endif

#ifdef CONFIG_CPP
ZTEST(configurations, test_the_header_is_one_of_another_language_too)
{
	zassert_equal(other_language_count(), 0);
}
#endif

#ifdef CONFIG_OCRE_LINEAR_MEMORY_REGION
static void take(void *context, int error, const char *text, uint32_t bytes)
{
	char *said = context;

	ARG_UNUSED(error);
	strncat(said, text, bytes);
}

ZTEST(configurations, test_info_names_the_place_of_linear_memories)
{
	static char said[1024];
	const char *const words[] = {"info"};

	zassert_ok(ocre_command(words, ARRAY_SIZE(words), take, NULL, said));
	zassert_not_null(strstr(said, "linear memory: region of the devicetree"), "%s", said);
}
#endif
