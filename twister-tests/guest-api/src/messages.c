/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from a guest in C to guests in Rust. */
#include "containers.h"

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(messages, NULL, runtime_started, NULL, containers_removed_after, NULL);

ZTEST(messages, test_those_who_subscribed_get_what_is_published)
{
	struct ocre_status status;
	ocre_container_t one =
		container_granted("subscriber", "one", "numbers/+ 3", "messaging");
	ocre_container_t other =
		container_granted("subscriber", "other", "numbers/# 3", "messaging");
	ocre_container_t neither =
		container_granted("subscriber", "neither", "number 1", "messaging");
	ocre_container_t publisher;

	/* Longer than they need to subscribe. */
	k_msleep(500);
	publisher = container_granted("publisher", "publisher", "numbers/all 3 10", "messaging");
	zassert_ok(ocre_wait(publisher, 10000, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
	container_wrote(publisher, "");
	zassert_ok(ocre_wait(one, 1000, &status));
	container_wrote(one, "one is ready\nnumbers/all: 1\nnumbers/all: 2\nnumbers/all: 3\n");
	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_wait(other, 1000, &status));
	container_wrote(other, "other is ready\nnumbers/all: 1\nnumbers/all: 2\nnumbers/all: 3\n");
	container_ended(&status, OCRE_EXITED, 0, "");

	/* It waits for what never comes, until it is killed. */
	zassert_ok(ocre_status(neither, &status));
	zassert_equal(status.state, OCRE_RUNNING);
	zassert_ok(ocre_kill(neither));
	zassert_ok(ocre_wait(neither, 1000, &status));
	container_ended(&status, OCRE_KILLED, 137, "kill");
	container_wrote(neither, "neither is ready\n");
}

ZTEST(messages, test_a_publisher_is_told_that_nobody_listens)
{
	ocre_container_t publisher =
		container_granted("publisher", "alone", "numbers 2 1", "messaging");

	zassert_ok(ocre_wait(publisher, 10000, NULL));
	container_wrote(publisher, "nobody wants 1\nnobody wants 2\n");
}
