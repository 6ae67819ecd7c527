/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor tells the task watchdog that it is well. */
#include <ocre/ocre.h>

#include <errno.h>
#include <zephyr/kernel.h>
#include <zephyr/task_wdt/task_wdt.h>
#include <zephyr/ztest.h>

static void *setup(void)
{
	zassert_ok(task_wdt_init(NULL));
	zassert_ok(ocre_init());
	return NULL;
}

ZTEST_SUITE(watchdog, NULL, setup, NULL, NULL, NULL);

/* There are two channels for all: one is the supervisor's. Were it not fed, the device
 * would have been reset by the end of this. */
ZTEST(watchdog, test_the_task_watchdog_is_fed)
{
	int own;

	k_msleep(5 * CONFIG_OCRE_TASK_WDT_PERIOD);
	own = task_wdt_add(60000, NULL, NULL);
	zassert_true(own >= 0);
	zassert_equal(task_wdt_add(60000, NULL, NULL), -ENOMEM);
	zassert_ok(task_wdt_delete(own));
}
