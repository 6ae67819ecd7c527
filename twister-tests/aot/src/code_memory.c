/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for AOT code under an MPU: code runs in it and can't be written, and runs
 * nowhere else. */
#include "code_memory.h"
#include "containers.h"

#include <string.h>
#include <zephyr/cache.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>
#include <zephyr/ztest_error_hook.h>

typedef int function_t(void);

/* Thumb code of a function that returns 42. */
static const uint16_t answer[] = {0x202a, 0x4770};

/* Calls code at an address. */
static int call(void *code)
{
	sys_cache_instr_invd_range(code, sizeof(answer));
	return ((function_t *)((uintptr_t)code | 1u))();
}

static void *code;

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	code = ocre_code_memory_get(sizeof(answer));
	zassert_not_null(code);
	memcpy(code, answer, sizeof(answer));
	ocre_code_memory_seal(code);
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	ocre_code_memory_put(code);
}

ZTEST_SUITE(code_memory, NULL, runtime_started, before, after, NULL);

ZTEST(code_memory, test_code_runs)
{
	zassert_equal(call(code), 42);
}

ZTEST(code_memory, test_code_runs_while_other_code_is_loaded)
{
	void *other = ocre_code_memory_get(sizeof(answer));

	zassert_not_null(other);
	zassert_equal(call(code), 42);
	ocre_code_memory_put(other);
	zassert_equal(call(code), 42);
}

ZTEST(code_memory, test_sealed_code_is_not_written)
{
	ztest_set_fault_valid(true);
	*(volatile uint16_t *)code = 0;
	zassert_unreachable("the write did not fault");
}

ZTEST(code_memory, test_data_does_not_run)
{
	static uint16_t data[ARRAY_SIZE(answer)];

	memcpy(data, answer, sizeof(answer));
	sys_cache_data_flush_range(data, sizeof(data));
	ztest_set_fault_valid(true);
	call(data);
	zassert_unreachable("the call did not fault");
}

ZTEST(code_memory, test_more_than_there_is_is_refused)
{
	zassert_is_null(ocre_code_memory_get(SIZE_MAX));
	zassert_is_null(ocre_code_memory_get(OCRE_CODE_MEMORY_BYTES));
}
