/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A format is never a surprise: a blank partition is formatted, a damaged one is left alone until
 * somebody asks for it.
 *
 * The first suite mounts the partition without the runtime, because the runtime can't be ended.
 * The second one, later in the alphabet, starts the runtime for good.
 */
#include <errno.h>
#include <ocre/ocre.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/fs/littlefs.h>
#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>
#include <zephyr/shell/shell_dummy.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/ztest.h>

#include "port.h"
#include "power.h"

#define BLOCK 4096
#define FILE_PATH CONFIG_OCRE_MOUNT_POINT "/kept"

/* Result for a damaged partition. */
#define DAMAGED (IS_ENABLED(CONFIG_OCRE_MOUNT_FORMAT_DAMAGED) ? 0 : -EILSEQ)
/* Result for a blank partition. */
#define BLANK (IS_ENABLED(CONFIG_OCRE_MOUNT_FORMAT) ? 0 : -ENODATA)

/* Deprecated since Zephyr 4.4 for PARTITION_ID. */
#ifdef PARTITION_ID
#define PARTITION PARTITION_ID(storage_partition)
#else
#define PARTITION FIXED_PARTITION_ID(storage_partition)
#endif

FS_LITTLEFS_DECLARE_DEFAULT_CONFIG(other_littlefs);

static struct fs_mount_t other = {
	.type = FS_LITTLEFS,
	.mnt_point = CONFIG_OCRE_MOUNT_POINT,
	.fs_data = &other_littlefs,
	.storage_dev = (void *)PARTITION,
};

static const struct flash_area *area;

static void erase(uint32_t at, uint32_t bytes)
{
	zassert_ok(flash_area_erase(area, at, bytes));
}

/* Fills a block. */
static void fill(uint32_t at, uint8_t value)
{
	static uint8_t bytes[BLOCK];

	memset(bytes, value, sizeof(bytes));
	erase(at, BLOCK);
	zassert_ok(flash_area_write(area, at, bytes, sizeof(bytes)));
}

static void is_filled(uint32_t at, uint8_t value)
{
	static uint8_t bytes[BLOCK];

	zassert_ok(flash_area_read(area, at, bytes, sizeof(bytes)));
	for (uint32_t i = 0; i < BLOCK; i++) {
		zassert_equal(bytes[i], value, "%u: %x", i, bytes[i]);
	}
}

/* Destroys the superblock and its copy. */
static void damage(void)
{
	fill(0, 'j');
	fill(BLOCK, 'k');
}

static void is_as_damaged(void)
{
	is_filled(0, 'j');
	is_filled(BLOCK, 'k');
}

static void mounts(int result)
{
	int found = ocre_port_mount();

	zassert_equal(found, result, "%d, expected %d", found, result);
	if (result == 0) {
		zassert_ok(ocre_port_unmount());
	}
}

static void file_made(void)
{
	struct fs_file_t file;

	zassert_ok(fs_mount(&other));
	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, FILE_PATH, FS_O_CREATE | FS_O_WRITE));
	zassert_ok(fs_close(&file));
	zassert_ok(fs_unmount(&other));
}

static bool file_is_there(void)
{
	struct fs_dirent entry;
	int result;

	zassert_ok(ocre_port_mount());
	result = fs_stat(FILE_PATH, &entry);
	zassert_ok(ocre_port_unmount());
	return result == 0;
}

/* A format that the power ends at each write and erase in turn, of a blank partition or a damaged
 * one, is taken up again by the next start, or by the next format.
 */
static void cut_at_each(bool is_blank, int (*start)(void))
{
	uint32_t operation = 0;
	bool was_cut;

	do {
		if (is_blank) {
			erase(0, area->fa_size);
		} else {
			damage();
		}
		power_cut_at(operation);
		(void)start();
		was_cut = power_on();
		if (!is_blank) {
			zassert_ok(start(), "cut at %u", operation);
		}
		mounts(0);
		file_made();
		zassert_true(file_is_there(), "cut at %u", operation);
		operation++;
	} while (was_cut);
	/* An erase and a write of each superblock, at least. */
	zassert_true(operation > 4, "%u", operation);
}

static void *setup(void)
{
	zassert_ok(flash_area_open(PARTITION, &area));
	zassert_equal(ocre_formatted(), 0);
	return NULL;
}

/* A new partition, which has a folder, so that blocks behind the superblock are in use. */
static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	zassert_ok(ocre_format());
	zassert_equal(ocre_formatted(), 1);
	zassert_ok(ocre_port_mount());
	zassert_ok(fs_mkdir(CONFIG_OCRE_MOUNT_POINT "/folder"));
	zassert_ok(ocre_port_unmount());
}

ZTEST_SUITE(format, NULL, setup, before, NULL, NULL);

ZTEST(format, test_a_blank_partition_is_formatted_once)
{
	erase(0, area->fa_size);
	mounts(BLANK);
	if (BLANK != 0) {
		is_filled(0, flash_area_erased_val(area));
		return;
	}
	zassert_false(file_is_there());
	file_made();
	zassert_true(file_is_there());
	zassert_true(file_is_there());
}

ZTEST(format, test_a_damaged_partition_is_left_alone)
{
	damage();
	if (DAMAGED == 0) {
		mounts(0);
		return;
	}
	zassert_equal(ocre_init(), -EILSEQ);
	zassert_equal(ocre_init(), -EILSEQ);
	is_as_damaged();
	zassert_equal(ocre_image_verify("a", NULL), -ENODEV);
}

ZTEST(format, test_a_single_block_of_data_is_not_blank)
{
	erase(0, area->fa_size);
	fill(16 * BLOCK, 'd');
	mounts(DAMAGED);
	if (DAMAGED != 0) {
		is_filled(16 * BLOCK, 'd');
	}
}

/* littlefs writes the first superblock into blocks 0 and 1, after the mark at the end. */
ZTEST(format, test_a_format_that_a_power_cut_ended_is_begun_again)
{
	static const uint8_t half[16] = {0x5a, 0x5a};

	if (BLANK != 0) {
		ztest_test_skip();
	}
	erase(0, area->fa_size);
	mounts(0);
	fill(0, 0);
	mounts(0);
	damage();
	mounts(0);
	/* Without the mark, the same bytes are damage. */
	damage();
	erase(area->fa_size - BLOCK, BLOCK);
	mounts(DAMAGED);
	/* A mark that is half written is no data. */
	erase(0, 2 * BLOCK);
	zassert_ok(flash_area_write(area, area->fa_size - sizeof(half), half, sizeof(half)));
	mounts(0);
}

static int start(void)
{
	int result = ocre_port_mount();

	if (result == 0) {
		zassert_ok(ocre_port_unmount());
	}
	return result;
}

ZTEST(format, test_a_first_start_survives_each_power_cut)
{
	if (BLANK != 0) {
		ztest_test_skip();
	}
	cut_at_each(true, start);
}

ZTEST(format, test_a_format_on_purpose_survives_each_power_cut)
{
	cut_at_each(false, ocre_format);
}

ZTEST(format, test_flash_that_can_not_be_read_is_left_alone)
{
	file_made();
	reads_fail();
	mounts(-EIO);
	zassert_equal(ocre_init(), -EIO);
	(void)power_on();
	zassert_true(file_is_there());
	/* Nor where it is blank. */
	erase(0, area->fa_size);
	reads_fail();
	mounts(-EIO);
	(void)power_on();
	is_filled(0, flash_area_erased_val(area));
	/* The shell names the last failure, which is none again. */
	zassert_ok(ocre_format());
	mounts(0);
}

ZTEST(format, test_a_format_on_purpose_takes_any_partition)
{
	damage();
	zassert_ok(ocre_format());
	mounts(0);
	file_made();
	zassert_ok(ocre_format());
	zassert_false(file_is_there());
}

ZTEST(format, test_a_partition_in_use_is_not_formatted)
{
	zassert_ok(fs_mount(&other));
	zassert_equal(ocre_format(), -EBUSY);
	zassert_equal(ocre_init(), -EIO);
	zassert_ok(fs_unmount(&other));
	file_made();
	zassert_true(file_is_there());
}

/* -- the shell, and the runtime ------------------------------------------------------ */

static const struct shell *shell;

static void *shell_setup(void)
{
	shell = shell_backend_dummy_get_ptr();
	/* The shell starts on a thread of its own. */
	k_msleep(200);
	return NULL;
}

ZTEST_SUITE(format_shell, NULL, shell_setup, NULL, NULL, NULL);

/* A line ends so, and its output has that in it. */
static void says(const char *text, int result, const char *expected)
{
	const char *output;
	size_t bytes;
	int found;

	shell_backend_dummy_clear_output(shell);
	found = shell_execute_cmd(shell, text);
	output = shell_backend_dummy_get_output(shell, &bytes);
	zassert_equal(found, result, "%s: %d, expected %d: %s", text, found, result, output);
	zassert_not_null(strstr(output, expected), "%s: \"%s\" without \"%s\"", text, output,
			 expected);
}

ZTEST(format_shell, test_a_command_formats_and_starts_the_runtime)
{
	damage();
	if (DAMAGED != 0) {
		zassert_equal(ocre_init(), -EILSEQ);
		says("ocre ps", -ENODEV, "partition damaged");
		says("ocre format", -ENODEV, "`ocre format --yes`");
		says("ocre format --no", -ENODEV, "`ocre format --yes`");
		says("ocre format --yes twice", -ENODEV, "`ocre format --yes`");
		is_as_damaged();
	} else {
		says("ocre ps", -ENODEV, "ocre_init() has not succeeded");
	}
	says("ocre format --yes", 0, "");
	says("ocre ps", 0, "");
	zassert_ok(ocre_init());
	/* The runtime runs. */
	zassert_equal(ocre_format(), -EBUSY);
	says("ocre format --yes", 1, "storage-mounted");
	says("ocre help format", 0, "--yes");
	zassert_equal(ocre_formatted(), 1);
}
