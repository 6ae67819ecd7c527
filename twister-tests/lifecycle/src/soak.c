/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that come and go a thousand times leave the partition and the heap as they
 * were: had each kept 250 bytes of the heap, there would be none for the last. */
#include "containers.h"

#include <zephyr/fs/fs.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#define CYCLES 1000
#define WARM_UP 20

BUILD_ASSERT(CONFIG_OCRE_HEAP_SIZE <= CYCLES * 264);

ZTEST_SUITE(soak, NULL, runtime_started, NULL, containers_removed_after, NULL);

static const struct {
	const char *words;
	/* What the guest is told while it runs. */
	int (*tell)(ocre_container_t container);
	uint32_t state;
	int32_t code;
	const char *reason;
} ends[] = {
	{"exit 0", NULL, OCRE_EXITED, 0, ""},
	{"write kept something", NULL, OCRE_EXITED, 0, ""},
	{"unreachable", NULL, OCRE_TRAPPED, 134, "trap-unreachable"},
	{"exit 7", NULL, OCRE_EXITED, 7, ""},
	{"sleep 60000", ocre_kill, OCRE_KILLED, 137, "kill"},
	{"lines 20", NULL, OCRE_EXITED, 0, ""},
	{"recurse", NULL, OCRE_TRAPPED, 134, "trap-stack-overflow"},
};

static void cycle(int number)
{
	const size_t end = number % ARRAY_SIZE(ends);
	const uint32_t flags = number % 2 == 0 ? 0 : PORTABLE;
	ocre_container_t container = container_started("actor", "a", ends[end].words, flags);
	struct ocre_status status;

	if (ends[end].tell != NULL) {
		zassert_ok(ends[end].tell(container));
	}
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	container_ended(&status, ends[end].state, ends[end].code, ends[end].reason);
	zassert_ok(ocre_remove(container, 0));
}

static unsigned long free_blocks(void)
{
	struct fs_statvfs room;

	zassert_ok(fs_statvfs(CONFIG_OCRE_MOUNT_POINT, &room));
	return room.f_bfree;
}

ZTEST(soak, test_containers_that_come_and_go_leave_everything_as_it_was)
{
	unsigned long before;

	for (int i = 0; i < WARM_UP; i++) {
		cycle(i);
	}
	before = free_blocks();
	for (int i = 0; i < CYCLES; i++) {
		cycle(i);
	}
	zassert_equal(free_blocks(), before, "%lu blocks were free, now %lu", before,
		      free_blocks());
	zassert_equal(containers_count(), 0);
}
