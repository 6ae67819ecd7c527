/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies for the origin of images: signed images run, others are refused, and an older
 * image than one that has worked is refused too, after a reboot as well.
 *
 * The suite runs twice. A file on the partition tells the second boot that there was a first.
 */
#include "containers.h"
#include "reboot.h"

#include <errno.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#define MARK CONFIG_OCRE_MOUNT_POINT "/rebooted"
/* Of counter.c. */
#define COUNTER CONFIG_OCRE_MOUNT_POINT "/counter"

/* Tests that have passed since the boot. */
static int passed;

static bool rebooted(void)
{
	struct fs_dirent entry;

	return fs_stat(MARK, &entry) == 0;
}

static void ignore(void *context, int error, const char *text, uint32_t bytes)
{
	ARG_UNUSED(context);
	ARG_UNUSED(error);
	ARG_UNUSED(text);
	ARG_UNUSED(bytes);
}

static void reset(void)
{
	static const char *const words[] = {"image", "reset", "app"};

	zassert_ok(ocre_command(words, ARRAY_SIZE(words), ignore, NULL, NULL));
}

static void teardown(void *fixture)
{
	struct fs_file_t mark;

	ARG_UNUSED(fixture);
	if (rebooted()) {
		containers_removed();
		zassert_ok(fs_unlink(MARK));
		reset();
#ifdef CONFIG_OCRE_SEQUENCE_COUNTER
		zassert_ok(fs_unlink(COUNTER));
#endif
		return;
	}
	/* A failure before the reboot stays the last word. */
	if (passed < 4) {
		return;
	}
	fs_file_t_init(&mark);
	zassert_ok(fs_open(&mark, MARK, FS_O_CREATE));
	zassert_ok(fs_close(&mark));
	TC_PRINT("rebooting\n");
	suite_reboot();
}

ZTEST_SUITE(trust, NULL, runtime_started, NULL, NULL, teardown);

static void refused_as(const char *image, const char *refusal)
{
	char text[OCRE_TEXT_BYTES];
	ocre_container_t container;

	zassert_equal(ocre_image_verify(image, text), -ENOEXEC, "%s", image);
	zassert_equal(strcmp(text, refusal), 0, "%s, expected %s", text, refusal);
	zassert_equal(ocre_create(image, NULL, &container, text), -ENOEXEC, "%s", image);
	zassert_equal(strcmp(text, refusal), 0, "%s, expected %s", text, refusal);
}

static void runs(const char *image, const char *name)
{
	struct ocre_status status;
	ocre_container_t container = container_run(image, name, "say", 0, &status);

	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_ok(ocre_remove(container, 0));
}

/* -- origin ---------------------------------------------------------------------- */

ZTEST(trust, test_1_a_signature_by_a_trusted_key_lets_an_image_run)
{
	runs("signed", "signed");
	/* One of several signatures is enough. */
	runs("both", "both");
	if (IS_ENABLED(CONFIG_OCRE_AOT)) {
		runs("native", "native");
	}
	passed++;
}

ZTEST(trust, test_1_another_image_is_refused_with_its_code)
{
	if (IS_ENABLED(CONFIG_OCRE_POLICY_SIGNED)) {
		refused_as("unsigned", "signature-missing at signature");
	} else {
		runs("unsigned", "unsigned");
	}
	refused_as("foreign", "signature-key at signature/unprotected.x5chain");
	if (IS_ENABLED(CONFIG_OCRE_AOT)) {
		refused_as("native-unsigned", "signature-missing at signature");
	}
	passed++;
}

/* -- rollback -------------------------------------------------------------------- */

#define OLDER "rollback at signature/dev.ocre.sequence"

ZTEST(trust, test_2_an_older_image_is_refused_once_a_newer_one_has_worked)
{
	struct ocre_status status;
	ocre_container_t container;

	if (rebooted()) {
		/* The record stays, and so does the container of the older image. */
		refused_as("app:1", OLDER);
		zassert_ok(ocre_find("older", &container));
	} else {
		container = container_run("app:1", "older", "say", 0, &status);
		container_ended(&status, OCRE_EXITED, 0, "");
	}
	runs("app:2", "newer");
	refused_as("app:1", OLDER);
	zassert_equal(ocre_start(container), -ENOEXEC);
	zassert_ok(ocre_status(container, &status));
	container_ended(&status, OCRE_FAILED, 1, "rollback");
	if (rebooted()) {
		reset();
		if (IS_ENABLED(CONFIG_OCRE_SEQUENCE_COUNTER)) {
			/* A counter only grows. */
			refused_as("app:1", OLDER);
		} else {
			zassert_ok(ocre_start(container));
			zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
			container_ended(&status, OCRE_EXITED, 0, "");
		}
	}
	passed++;
}

/* Last, because the reboot comes after it. */
ZTEST(trust, test_3_a_container_stays_over_the_reboot)
{
	struct ocre_status status;
	ocre_container_t container;

	/* Verified again, once. */
	if (rebooted()) {
		zassert_ok(ocre_find("steady", &container));
	} else {
		container = container_made("signed", "steady", "say", 0);
	}
	for (int i = 0; i < 2; i++) {
		zassert_ok(ocre_start(container));
		zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
		container_ended(&status, OCRE_EXITED, 0, "");
	}
	passed++;
}
