/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include "testing.h"

#include <stdio.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/ztest.h>

#define ROOT CONFIG_OCRE_MOUNT_POINT
#define MARKER ROOT "/oci-layout"
#define INDEX ROOT "/index.json"
#define DIGEST "\"digest\":\"sha256:"
#define HEX 64
#define PATH_BYTES (sizeof(ROOT "/blobs/sha256/") + HEX)
#define MADE 16

static char marker[256], index_text[9216], manifest[9216], config[4608];
static char saved_marker[256], saved_index[4096];
static uint8_t code[49152];
static uint32_t code_bytes;
/* Blobs that were not there before, and the one that was changed. */
static char made[MADE][PATH_BYTES];
static uint32_t made_count;
static char changed[PATH_BYTES];
static uint8_t saved_blob[49152];
static uint32_t saved_blob_bytes;

/* -- files -------------------------------------------------------------------- */

static uint32_t read_file(const char *path, void *bytes, uint32_t room)
{
	struct fs_file_t file;
	ssize_t count;

	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, path, FS_O_READ), "%s", path);
	count = fs_read(&file, bytes, room);
	zassert_ok(fs_close(&file));
	zassert_true(count >= 0 && count < room, "%s: %d", path, (int)count);
	return count;
}

static void write_file(const char *path, const void *bytes, uint32_t count)
{
	struct fs_file_t file;

	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, path, FS_O_CREATE | FS_O_WRITE), "%s", path);
	zassert_ok(fs_truncate(&file, 0));
	zassert_equal(fs_write(&file, bytes, count), count);
	zassert_ok(fs_close(&file));
}

static bool is_there(const char *path)
{
	struct fs_dirent entry;

	return fs_stat(path, &entry) == 0;
}

static void blob_path(char *path, const char *hex)
{
	snprintf(path, PATH_BYTES, ROOT "/blobs/sha256/%.*s", HEX, hex);
}

/* -- documents ---------------------------------------------------------------- */

/* The hex digits of the nth digest in a document. */
static char *digest_in(char *text, int nth)
{
	char *at = text;

	for (;; nth--) {
		at = strstr(at, DIGEST);
		zassert_not_null(at);
		at += sizeof(DIGEST) - 1;
		if (nth == 0) {
			return at;
		}
	}
}

static void replace(char *text, size_t room, const char *from, const char *to)
{
	char *at = strstr(text, from);
	size_t rest;

	zassert_not_null(at, "no %s in %s", from, text);
	zassert_true(strlen(text) + strlen(to) < room);
	rest = strlen(at + strlen(from)) + 1;
	memmove(at + strlen(to), at + strlen(from), rest);
	memcpy(at, to, strlen(to));
}

/* Writes content under its digest, and corrects the nth descriptor of a document. */
static void put_blob(const void *bytes, uint32_t count, char *text, size_t room, int nth)
{
	char *digest = digest_in(text, nth), *size = strstr(digest, "\"size\":");
	char hex[HEX + 1], number[24], path[PATH_BYTES];
	size_t digits;

	ocre_test_sha256(bytes, count, hex);
	memcpy(digest, hex, HEX);
	zassert_not_null(size);
	size += sizeof("\"size\":") - 1;
	digits = strspn(size, "0123456789");
	snprintf(number, sizeof(number), "%u", count);
	zassert_true(strlen(text) + sizeof(number) < room);
	memmove(size + strlen(number), size + digits, strlen(size + digits) + 1);
	memcpy(size, number, strlen(number));
	blob_path(path, hex);
	if (!is_there(path)) {
		zassert_true(made_count < MADE);
		strcpy(made[made_count++], path);
		write_file(path, bytes, count);
	}
}

static void put_index(void)
{
	write_file(INDEX, index_text, strlen(index_text));
}

static void put_manifest(void)
{
	put_blob(manifest, strlen(manifest), index_text, sizeof(index_text), 0);
	put_index();
}

static void put_config(void)
{
	put_blob(config, strlen(config), manifest, sizeof(manifest), 0);
	put_manifest();
}

static void put_code(void)
{
	char old[HEX + 1] = "";
	char *at;

	memcpy(old, digest_in(manifest, 1), HEX);
	put_blob(code, code_bytes, manifest, sizeof(manifest), 1);
	at = strstr(config, old);
	zassert_not_null(at);
	memcpy(at, digest_in(manifest, 1), HEX);
	put_config();
}

void layout_take(const char *name)
{
	char member[160], path[PATH_BYTES];
	char *at, *digest;

	marker[read_file(MARKER, marker, sizeof(marker) - 1)] = '\0';
	index_text[read_file(INDEX, index_text, sizeof(saved_index) - 1)] = '\0';
	strcpy(saved_marker, marker);
	strcpy(saved_index, index_text);
	made_count = 0;
	changed[0] = '\0';

	/* Of the list, only this image's descriptor stays. */
	snprintf(member, sizeof(member), "\"org.opencontainers.image.ref.name\":\"%s\"", name);
	at = strstr(index_text, member);
	zassert_not_null(at, "no image %s", name);
	*at = '\0';
	digest = index_text;
	for (char *next = digest; (next = strstr(next, DIGEST)) != NULL;) {
		next += sizeof(DIGEST) - 1;
		digest = next;
	}
	blob_path(path, digest);
	manifest[read_file(path, manifest, sizeof(manifest) - 1)] = '\0';
	snprintf(index_text, sizeof(index_text),
		 "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
		 "\"application/vnd.oci.image.manifest.v1+json\"," DIGEST
		 "%.*s\",\"size\":%u,\"annotations\":"
		 "{\"org.opencontainers.image.ref.name\":\"sample:latest\"}}]}",
		 HEX, path + PATH_BYTES - 1 - HEX, (uint32_t)strlen(manifest));
	blob_path(path, digest_in(manifest, 0));
	config[read_file(path, config, sizeof(config) - 1)] = '\0';
	blob_path(path, digest_in(manifest, 1));
	code_bytes = read_file(path, code, sizeof(code));
	put_index();
}

void layout_give_back(void)
{
	if (saved_index[0] == '\0') {
		return;
	}
	if (changed[0] != '\0') {
		write_file(changed, saved_blob, saved_blob_bytes);
	}
	for (uint32_t i = 0; i < made_count; i++) {
		(void)fs_unlink(made[i]);
	}
	write_file(MARKER, saved_marker, strlen(saved_marker));
	write_file(INDEX, saved_index, strlen(saved_index));
	saved_index[0] = '\0';
}

/* -- changes ------------------------------------------------------------------ */

void layout_edit(enum layout_part part, const char *from, const char *to)
{
	switch (part) {
	case LAYOUT_MARKER:
		replace(marker, sizeof(marker), from, to);
		write_file(MARKER, marker, strlen(marker));
		break;
	case LAYOUT_INDEX:
		replace(index_text, sizeof(index_text), from, to);
		put_index();
		break;
	case LAYOUT_MANIFEST:
		replace(manifest, sizeof(manifest), from, to);
		put_manifest();
		break;
	default:
		zassert_equal(part, LAYOUT_CONFIG);
		replace(config, sizeof(config), from, to);
		put_config();
		break;
	}
}

void layout_replace(enum layout_part part, const void *bytes, uint32_t count)
{
	switch (part) {
	case LAYOUT_MARKER:
		write_file(MARKER, bytes, count);
		break;
	case LAYOUT_INDEX:
		write_file(INDEX, bytes, count);
		break;
	case LAYOUT_MANIFEST:
		put_blob(bytes, count, index_text, sizeof(index_text), 0);
		put_index();
		break;
	case LAYOUT_CONFIG:
		put_blob(bytes, count, manifest, sizeof(manifest), 0);
		put_manifest();
		break;
	default:
		zassert_true(count <= sizeof(code));
		memmove(code, bytes, count);
		code_bytes = count;
		put_code();
		break;
	}
}

uint8_t *layout_code(uint32_t *count)
{
	*count = code_bytes;
	return code;
}

/* -- damage ------------------------------------------------------------------- */

static void place(char *path, enum layout_part part)
{
	switch (part) {
	case LAYOUT_MARKER:
		strcpy(path, MARKER);
		break;
	case LAYOUT_INDEX:
		strcpy(path, INDEX);
		break;
	case LAYOUT_MANIFEST:
		blob_path(path, digest_in(index_text, 0));
		break;
	case LAYOUT_CONFIG:
		blob_path(path, digest_in(manifest, 0));
		break;
	default:
		blob_path(path, digest_in(manifest, 1));
		break;
	}
	if (part >= LAYOUT_MANIFEST) {
		strcpy(changed, path);
		saved_blob_bytes = read_file(path, saved_blob, sizeof(saved_blob));
	}
}

void layout_remove(enum layout_part part)
{
	char path[PATH_BYTES];

	place(path, part);
	zassert_ok(fs_unlink(path));
}

/* One bit of one byte in the middle. */
void layout_garble(enum layout_part part)
{
	char path[PATH_BYTES];
	struct fs_file_t file;
	uint8_t byte;

	place(path, part);
	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, path, FS_O_RDWR));
	zassert_ok(fs_seek(&file, 20, FS_SEEK_SET));
	zassert_equal(fs_read(&file, &byte, 1), 1);
	byte ^= 1;
	zassert_ok(fs_seek(&file, 20, FS_SEEK_SET));
	zassert_equal(fs_write(&file, &byte, 1), 1);
	zassert_ok(fs_close(&file));
}

void layout_cut(enum layout_part part)
{
	char path[PATH_BYTES];
	struct fs_file_t file;

	place(path, part);
	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, path, FS_O_RDWR));
	zassert_ok(fs_truncate(&file, 21));
	zassert_ok(fs_close(&file));
}
