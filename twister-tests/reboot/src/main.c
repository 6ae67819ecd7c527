/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on the partition is there after a reboot: images, containers, how they
 * ended, and their files.
 *
 * The one test runs twice. A file on the partition tells the second boot what it is.
 */
#include "containers.h"
#include "reboot.h"

#include <errno.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#define MARK CONFIG_OCRE_MOUNT_POINT "/rebooted"

ZTEST_SUITE(reboot, NULL, runtime_started, NULL, NULL, NULL);

static const struct {
	const char *name, *words;
	/* Before the reboot, and after it. */
	uint32_t state, flags;
	int32_t code;
	const char *reason;
} cases[] = {
	{"created", "say", OCRE_CREATED, 0, 0, ""},
	{"exited", "exit 3", OCRE_EXITED, 0, 3, ""},
	{"trapped", "unreachable", OCRE_TRAPPED, PORTABLE, 134, "trap-unreachable"},
	{"killed", "sleep 60000", OCRE_KILLED, 0, 137, "kill"},
	{"running", "sleep 60000", OCRE_KILLED, 0, 137, "reset"},
	{"mindful", "remember", OCRE_EXITED, 0, 0, ""},
	{"removed", "say", OCRE_CREATED, 0, 0, ""},
	{"temporary", "say", OCRE_CREATED, OCRE_TEMPORARY, 0, ""},
};

/* What is to run always runs again by itself. */
#define STEADY "steady"

static void steady_started(void)
{
	static const char *const words[] = {"sleep", "60000"};
	const struct ocre_options options = {
		.name = STEADY,
		.arguments = words,
		.argument_count = ARRAY_SIZE(words),
		.restart = OCRE_RESTART_ALWAYS,
	};
	ocre_container_t container;

	zassert_ok(ocre_create("actor", &options, &container, NULL));
	zassert_ok(ocre_start(container));
}

static void steady_runs(void)
{
	ocre_container_t container;
	struct ocre_status status;

	zassert_ok(ocre_find(STEADY, &container));
	zassert_equal(ocre_wait(container, 500, &status), -EAGAIN);
	zassert_ok(ocre_status(container, &status));
	zassert_equal(status.state, OCRE_RUNNING, "%u", status.state);
	zassert_ok(ocre_kill(container));
}

static bool survives(size_t i)
{
	return strcmp(cases[i].name, "removed") != 0 && strcmp(cases[i].name, "temporary") != 0;
}

static void before_reboot(void)
{
	steady_started();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ocre_container_t container = container_made("actor", cases[i].name,
							    cases[i].words, cases[i].flags);

		if (cases[i].state != OCRE_CREATED) {
			zassert_ok(ocre_start(container));
		}
		if (strcmp(cases[i].reason, "kill") == 0) {
			zassert_ok(ocre_kill(container));
		}
		if (cases[i].state != OCRE_CREATED && strcmp(cases[i].reason, "reset") != 0) {
			zassert_ok(ocre_wait(container, OCRE_FOREVER, NULL));
		}
		if (strcmp(cases[i].name, "mindful") == 0) {
			container_wrote(container, "for the first time\n");
		}
		if (strcmp(cases[i].name, "removed") == 0) {
			zassert_ok(ocre_remove(container, 0));
		}
	}
}

static void after_reboot(void)
{
	ocre_container_t container;
	struct ocre_status status;
	int count = 1;

	steady_runs();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!survives(i)) {
			zassert_equal(ocre_find(cases[i].name, &container), -ENOENT, "%s",
				      cases[i].name);
			continue;
		}
		count++;
		zassert_ok(ocre_find(cases[i].name, &container), "%s", cases[i].name);
		zassert_ok(ocre_status(container, &status));
		TC_PRINT("%s: state %u, code %d, reason \"%s\"\n", cases[i].name, status.state,
			 status.code, status.reason);
		container_ended(&status, cases[i].state, cases[i].code, cases[i].reason);
	}
	zassert_equal(containers_count(), count);
	zassert_ok(ocre_image_verify("actor", NULL));

	/* They can be used as before, with what they were created with. */
	zassert_ok(ocre_find("exited", &container));
	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	container_ended(&status, OCRE_EXITED, 3, "");
	zassert_ok(ocre_find("mindful", &container));
	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
	container_wrote(container, "again\n");
	containers_removed();
}

ZTEST(reboot, test_containers_and_their_files_survive_a_reboot)
{
	struct fs_dirent entry;
	struct fs_file_t file;

	if (fs_stat(MARK, &entry) == 0) {
		zassert_ok(fs_unlink(MARK));
		after_reboot();
		return;
	}
	before_reboot();
	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, MARK, FS_O_CREATE | FS_O_WRITE));
	zassert_ok(fs_close(&file));
	TC_PRINT("rebooting\n");
	suite_reboot();
}
