/* SPDX-License-Identifier: Apache-2.0 */
/* The port on this board keeps the core's promises, and a full partition harms
 * nothing that is on it. */
#include "containers.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/fs/littlefs.h>
#include <zephyr/kernel.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/ztest.h>

#include "port.h"

#define FILLER CONFIG_OCRE_MOUNT_POINT "/filler"
#define CONTAINERS CONFIG_OCRE_MOUNT_POINT "/containers"

FS_LITTLEFS_DECLARE_DEFAULT_CONFIG(other_littlefs);

/* Deprecated since Zephyr 4.4 for PARTITION_ID. */
#ifdef PARTITION_ID
#define PARTITION PARTITION_ID(storage_partition)
#else
#define PARTITION FIXED_PARTITION_ID(storage_partition)
#endif

/* Somebody else's file system, where the runtime wants its own. */
static struct fs_mount_t other = {
	.type = FS_LITTLEFS,
	.mnt_point = CONFIG_OCRE_MOUNT_POINT,
	.fs_data = &other_littlefs,
	.storage_dev = (void *)PARTITION,
};

/* A start that fails is no obstacle to one that can't. */
static void *setup(void)
{
	struct ocre_status status;
	ocre_container_t container;
	struct fs_file_t file;

	zassert_equal(ocre_image_verify("actor", NULL), -ENODEV);
	zassert_equal(ocre_create("actor", NULL, &container, NULL), -ENODEV);
	zassert_equal(ocre_status(1, &status), -ENODEV);
	zassert_ok(fs_mount(&other));
	zassert_equal(ocre_init(), -EIO);
	zassert_equal(ocre_init(), -EIO);
	zassert_equal(ocre_image_verify("actor", NULL), -ENODEV);
	/* A file where the containers' records would be. */
	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, CONTAINERS, FS_O_CREATE | FS_O_WRITE));
	zassert_ok(fs_close(&file));
	zassert_ok(fs_unmount(&other));
	zassert_equal(ocre_init(), -EIO);
	zassert_equal(ocre_init(), -EIO);
	zassert_equal(ocre_image_verify("actor", NULL), -ENODEV);
	zassert_ok(fs_mount(&other));
	zassert_ok(fs_unlink(CONTAINERS));
	zassert_ok(fs_unmount(&other));
	zassert_ok(ocre_init());
	/* All that time, nothing was formatted. */
	zassert_equal(ocre_formatted(), 0);
	zassert_equal(ocre_format(), -EBUSY);
	return NULL;
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	(void)fs_unlink(FILLER);
	containers_removed();
}

ZTEST_SUITE(store, NULL, setup, NULL, after, NULL);

/* -- the port -------------------------------------------------------------------- */

static void conforms(uint32_t part)
{
	char failure[OCRE_TEXT_BYTES];

	zassert_ok(ocre_test_conformance(part, failure), "%s", failure);
}

ZTEST(store, test_storage_conforms)
{
	conforms(CONFORMANCE_STORAGE);
	/* It leaves nothing behind. */
	conforms(CONFORMANCE_STORAGE);
}

ZTEST(store, test_clock_conforms)
{
	conforms(CONFORMANCE_CLOCK);
	/* 2026-01-01. */
	ocre_set_date(1767225600000000000u);
	conforms(CONFORMANCE_CLOCK);
}

ZTEST(store, test_entropy_conforms)
{
	conforms(CONFORMANCE_ENTROPY);
}

ZTEST(store, test_waits_conform)
{
	conforms(CONFORMANCE_THREADS);
}

ZTEST(store, test_what_is_synced_survives_a_remount)
{
	for (int i = 0; i < 3; i++) {
		conforms(CONFORMANCE_BEFORE_RESTART);
		zassert_ok(ocre_port_unmount());
		zassert_not_equal(ocre_image_verify("actor", NULL), 0);
		zassert_ok(ocre_port_mount());
		conforms(CONFORMANCE_AFTER_RESTART);
		zassert_ok(ocre_image_verify("actor", NULL));
	}
}

/* -- a full partition --------------------------------------------------------------- */

/* Takes all blocks but `left`, to the last byte where that is 0. */
static void fill(uint32_t left)
{
	static uint8_t bytes[4096];
	struct fs_statvfs room;
	struct fs_file_t file;

	memset(bytes, 0xa5, sizeof(bytes));
	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, FILLER, FS_O_CREATE | FS_O_WRITE));
	for (;;) {
		zassert_ok(fs_sync(&file));
		zassert_ok(fs_statvfs(CONFIG_OCRE_MOUNT_POINT, &room));
		if (room.f_bfree <= left) {
			break;
		}
		for (uint32_t i = room.f_bfree - left > 64 ? 32 : 1; i > 0; i--) {
			if (fs_write(&file, bytes, sizeof(bytes)) != sizeof(bytes)) {
				(void)fs_close(&file);
				return;
			}
		}
	}
	zassert_ok(fs_close(&file));
}

static int list_one(void *context, const char *name)
{
	ARG_UNUSED(name);
	(*(int *)context)++;
	return 1;
}

static int images(void)
{
	int count = 0;

	zassert_ok(ocre_image_list(list_one, &count));
	return count;
}

static char said[1024];

static void take(void *context, int error, const char *text, uint32_t bytes)
{
	ARG_UNUSED(context);
	ARG_UNUSED(error);
	if (strlen(said) + bytes < sizeof(said)) {
		strncat(said, text, bytes);
	}
}

static int command(const char *first, const char *second, const char *third)
{
	const char *const words[] = {first, second, third};

	said[0] = '\0';
	return ocre_command(words, third == NULL ? 2 : 3, take, NULL, NULL);
}

ZTEST(store, test_a_full_partition_makes_no_container_and_loses_none)
{
	ocre_container_t old = container_made("actor", "old", "write f kept", 0), more = 0;
	struct ocre_status status;
	char name[] = "more-0";
	int result = 0, count = images();

	fill(0);
	/* Folders may still fit into blocks that are begun. */
	for (int i = 0; i < 3 && result == 0; i++, name[5]++) {
		result = ocre_create("actor", &(struct ocre_options){.name = name}, &more, NULL);
	}
	zassert_true(result == -ENOSPC || result == -ENFILE || result == 0, "%d", result);
	/* What is there can be judged, listed, run. */
	zassert_ok(ocre_image_verify("actor", NULL));
	zassert_equal(images(), count);
	zassert_ok(ocre_start(old));
	zassert_ok(ocre_wait(old, OCRE_FOREVER, &status));
	zassert_equal(status.state, OCRE_EXITED);
	/* And all of it goes on when there is room again. */
	zassert_ok(fs_unlink(FILLER));
	zassert_ok(ocre_start(old));
	zassert_ok(ocre_wait(old, OCRE_FOREVER, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
}

ZTEST(store, test_containers_can_be_removed_from_a_full_partition)
{
	struct ocre_status status;
	ocre_container_t container = container_run("actor", "old", "write f kept", 0, &status);

	container_ended(&status, OCRE_EXITED, 0, "");
	fill(0);
	zassert_ok(ocre_remove(container, 0));
	zassert_equal(containers_count(), 0);
	zassert_ok(fs_unlink(FILLER));
	/* Its files are gone with it. */
	container = container_run("actor", "old", "read f", 0, &status);
	container_ended(&status, OCRE_EXITED, 44, "");
}

ZTEST(store, test_images_can_be_removed_from_a_full_partition)
{
	int count = images();

	fill(0);
	zassert_equal(command("image", "rm", "spare"), 0, "%s", said);
	zassert_equal(images(), count - 1);
	zassert_equal(command("image", "prune", NULL), 0, "%s", said);
	zassert_ok(ocre_image_verify("actor", NULL));
}

ZTEST(store, test_a_guest_that_fills_the_partition_hears_of_it)
{
	struct ocre_status status;
	ocre_container_t container = container_run("actor", "filler", "fill", 0, &status);

	/* WASI's errno for it. */
	container_ended(&status, OCRE_EXITED, 51, "");
	zassert_ok(ocre_image_verify("actor", NULL));
	zassert_ok(ocre_remove(container, 0));
	container = container_run("actor", "next", "write f kept", 0, &status);
	container_ended(&status, OCRE_EXITED, 0, "");
}
