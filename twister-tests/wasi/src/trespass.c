/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that tries to get out of its folders, by paths that go up, are absolute, too
 * long, or no text, with each call that takes one. */
#include "containers.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#define ROOT CONFIG_OCRE_MOUNT_POINT
#define PATH_BYTES 192
#define SEEN 64
#define HEX_BYTES 65

ZTEST_SUITE(trespass, NULL, runtime_started, NULL, containers_removed_after, NULL);

/* Every file of the partition but the guest's own, and what is in it. */
struct seen {
	uint32_t count;
	struct {
		char path[PATH_BYTES];
		char hash[HEX_BYTES];
	} files[SEEN];
};

static struct seen before, later;
static uint8_t content[65536];

static void see_file(struct seen *seen, const char *path)
{
	struct fs_file_t file;
	ssize_t count;

	zassert_true(seen->count < SEEN);
	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, path, FS_O_READ), "%s", path);
	count = fs_read(&file, content, sizeof(content));
	zassert_ok(fs_close(&file));
	zassert_true(count >= 0 && (size_t)count < sizeof(content), "%s", path);
	strcpy(seen->files[seen->count].path, path);
	ocre_test_sha256(content, (uint32_t)count, seen->files[seen->count].hash);
	seen->count++;
}

/* `path` has PATH_BYTES, and is as before in the end. */
static void see_folder(struct seen *seen, char *path)
{
	static struct fs_dirent entry;
	size_t length = strlen(path);
	struct fs_dir_t folder;

	fs_dir_t_init(&folder);
	zassert_ok(fs_opendir(&folder, path), "%s", path);
	for (;;) {
		zassert_ok(fs_readdir(&folder, &entry));
		if (entry.name[0] == '\0') {
			break;
		}
		zassert_true(snprintf(path + length, PATH_BYTES - length, "/%s", entry.name) <
			     (int)(PATH_BYTES - length));
		if (strcmp(path, ROOT "/data/hostile") != 0 &&
		    strncmp(path, ROOT "/containers/hostile.",
			    strlen(ROOT "/containers/hostile.")) != 0) {
			if (entry.type == FS_DIR_ENTRY_DIR) {
				see_folder(seen, path);
			} else {
				see_file(seen, path);
			}
		}
		path[length] = '\0';
	}
	zassert_ok(fs_closedir(&folder));
}

static void see(struct seen *seen)
{
	char path[PATH_BYTES] = ROOT;

	memset(seen, 0, sizeof(*seen));
	see_folder(seen, path);
}

static bool has_seen(const struct seen *seen, const char *path)
{
	for (uint32_t i = 0; i < seen->count; i++) {
		if (strcmp(seen->files[i].path, path) == 0) {
			return true;
		}
	}
	return false;
}

static void keep_secret(const char *path)
{
	struct fs_file_t file;

	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, path, FS_O_CREATE | FS_O_WRITE));
	zassert_equal(fs_write(&file, "a secret", 8), 8);
	zassert_ok(fs_close(&file));
}

ZTEST(trespass, test_no_path_of_any_call_leaves_a_containers_folders)
{
	static const char secret[] = ROOT "/data/other/secret";
	struct ocre_status status;
	ocre_container_t container;

	(void)container_made("hostile", "other", "sleep", 0);
	keep_secret(secret);
	container = container_made("hostile", "hostile", "trespass", 0);
	see(&before);
	zassert_true(has_seen(&before, secret));
	zassert_true(has_seen(&before, ROOT "/index.json"));
	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	container_wrote(container, "hostile: trespass\ntried: 320\nrefused: 320\n");
	container_ended(&status, OCRE_EXITED, 0, "");
	see(&later);
	zassert_equal(before.count, later.count);
	zassert_mem_equal(&before, &later, sizeof(before));
}

/* Addresses and lengths that are not in its memory, and paths by way of libc. */
ZTEST(trespass, test_no_address_reaches_what_is_not_the_guests)
{
	static const char *const ways[] = {"pointers", "escape"};
	static const char *const said[] = {
		"hostile: pointers\nrefused of 8: 8\n",
		"hostile: escape\nrefused of 8: 8\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct ocre_status status;
		ocre_container_t container = container_made("hostile", "hostile", ways[i], 0);

		see(&before);
		zassert_ok(ocre_start(container));
		zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
		container_wrote(container, said[i]);
		container_ended(&status, OCRE_EXITED, 0, "");
		see(&later);
		zassert_mem_equal(&before, &later, sizeof(before));
		zassert_ok(ocre_remove(container, 0));
	}
}
