/* SPDX-License-Identifier: Apache-2.0 */
/* Files through Zephyr's file system API, with the further promises to the core. */
#include "port.h"

#include <errno.h>
#include <lfs.h>
#include <stdbool.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/kernel.h>

/* The core's longest path, the mount point, and NUL. */
#define PATH_BYTES (170 + sizeof(CONFIG_OCRE_MOUNT_POINT))

K_MEM_SLAB_DEFINE_STATIC(files, ROUND_UP(sizeof(struct fs_file_t), sizeof(void *)),
			 CONFIG_OCRE_OPEN_FILES, sizeof(void *));

/* Makes "is it there" and "make it" one step. */
static K_MUTEX_DEFINE(exclusive);

static int32_t status(int result)
{
	static const struct {
		uint8_t error;
		int8_t status;
	} known[] = {
		{ENOENT, OCRE_PORT_NOT_FOUND},
		{EEXIST, OCRE_PORT_EXISTS},
		{ENOTDIR, OCRE_PORT_NOT_DIRECTORY},
		{EISDIR, OCRE_PORT_IS_DIRECTORY},
		{ENOTEMPTY, OCRE_PORT_NOT_EMPTY},
		{ENOSPC, OCRE_PORT_NO_SPACE},
		{ENAMETOOLONG, OCRE_PORT_NAME_TOO_LONG},
		{EINVAL, OCRE_PORT_INVALID},
		{EFBIG, OCRE_PORT_INVALID},
		{EBADF, OCRE_PORT_INVALID},
		{ENOMEM, OCRE_PORT_NO_MEMORY},
		{EFAULT, OCRE_PORT_CORRUPT}, /* what Zephyr makes of LFS_ERR_CORRUPT */
	};

	if (result >= 0) {
		return result;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].error == -result) {
			return known[i].status;
		}
	}
	return OCRE_PORT_IO;
}

/* The path as Zephyr knows it. */
static int32_t place(char *full, const uint8_t *path, uint32_t bytes)
{
	const size_t mount = sizeof(CONFIG_OCRE_MOUNT_POINT) - 1;
	uint32_t name = 0;

	if (bytes == 0 || path[0] != '/' || memchr(path, '\0', bytes) != NULL) {
		return OCRE_PORT_INVALID;
	}
	if (bytes + mount >= PATH_BYTES) {
		return OCRE_PORT_NAME_TOO_LONG;
	}
	/* littlefs refuses a long name with different errors, some of them late. */
	for (uint32_t i = 0; i < bytes; i++) {
		name = path[i] == '/' ? 0 : name + 1;
		if (name > LFS_NAME_MAX) {
			return OCRE_PORT_NAME_TOO_LONG;
		}
	}
	memcpy(full, CONFIG_OCRE_MOUNT_POINT, mount);
	memcpy(full + mount, path, bytes);
	full[mount + bytes] = '\0';
	return 0;
}

static int32_t open_at(struct fs_file_t *file, const char *full, uint32_t mode)
{
	fs_mode_t flags = 0;
	int result;

	flags |= mode & OCRE_PORT_READ ? FS_O_READ : 0;
	flags |= mode & OCRE_PORT_WRITE ? FS_O_WRITE : 0;
	flags |= mode & OCRE_PORT_CREATE ? FS_O_CREATE : 0;
	flags |= mode & OCRE_PORT_APPEND ? FS_O_APPEND : 0;
	result = fs_open(file, full, flags);
	/* FS_O_TRUNC came with Zephyr 3.7. */
	if (result == 0 && (mode & OCRE_PORT_TRUNCATE) != 0) {
		result = fs_truncate(file, 0);
		if (result != 0) {
			(void)fs_close(file);
		}
	}
	return status(result);
}

int32_t ocre_port_open(const uint8_t *path, uint32_t path_bytes, uint32_t mode,
		       void **out)
{
	char full[PATH_BYTES];
	struct fs_file_t *file;
	struct fs_dirent entry;
	int32_t result = place(full, path, path_bytes);

	if (result != 0) {
		return result;
	}
	if (k_mem_slab_alloc(&files, (void **)&file, K_NO_WAIT) != 0) {
		return OCRE_PORT_NO_MEMORY;
	}
	fs_file_t_init(file);
	if ((mode & OCRE_PORT_EXCLUSIVE) != 0) {
		k_mutex_lock(&exclusive, K_FOREVER);
		result = status(fs_stat(full, &entry));
		if (result == OCRE_PORT_NOT_FOUND) {
			result = open_at(file, full, mode);
		} else if (result == 0) {
			result = OCRE_PORT_EXISTS;
		}
		k_mutex_unlock(&exclusive);
	} else {
		result = open_at(file, full, mode);
	}
	if (result != 0) {
		k_mem_slab_free(&files, file);
		return result;
	}
	*out = file;
	return 0;
}

/* True where a file was opened for `mode`. Otherwise littlefs would end in its
 * assertion. */
static bool opened_for(const void *file, fs_mode_t mode)
{
	return (((const struct fs_file_t *)file)->flags & mode) != 0;
}

int32_t ocre_port_read(void *file, uint8_t *buffer, uint32_t bytes)
{
	if (!opened_for(file, FS_O_READ)) {
		return OCRE_PORT_INVALID;
	}
	return status((int)fs_read(file, buffer, bytes));
}

int32_t ocre_port_write(void *file, const uint8_t *bytes, uint32_t count)
{
	if (!opened_for(file, FS_O_WRITE)) {
		return OCRE_PORT_INVALID;
	}
	return status((int)fs_write(file, bytes, count));
}

int32_t ocre_port_seek(void *file, int64_t offset, uint32_t from, uint64_t *position)
{
	off_t at;
	int result;

	if (offset < -LFS_FILE_MAX || offset > LFS_FILE_MAX) {
		return OCRE_PORT_INVALID;
	}
	result = fs_seek(file, (off_t)offset,
			 from == OCRE_PORT_SEEK_START     ? FS_SEEK_SET
			 : from == OCRE_PORT_SEEK_CURRENT ? FS_SEEK_CUR
							  : FS_SEEK_END);
	if (result != 0) {
		return status(result);
	}
	at = fs_tell(file);
	if (at < 0) {
		return status((int)at);
	}
	*position = (uint64_t)at;
	return 0;
}

int32_t ocre_port_size(void *file, uint64_t *size)
{
	uint64_t ignored;
	off_t at = fs_tell(file);
	int32_t result;

	if (at < 0) {
		return status((int)at);
	}
	result = ocre_port_seek(file, 0, OCRE_PORT_SEEK_END, size);
	if (result == 0) {
		result = ocre_port_seek(file, at, OCRE_PORT_SEEK_START, &ignored);
	}
	return result;
}

int32_t ocre_port_truncate(void *file, uint64_t size)
{
	if (size > LFS_FILE_MAX || !opened_for(file, FS_O_WRITE)) {
		return OCRE_PORT_INVALID;
	}
	return status(fs_truncate(file, (off_t)size));
}

int32_t ocre_port_sync(void *file)
{
	return status(fs_sync(file));
}

/* Zephyr keeps a handle whose close failed, with its memory; littlefs doesn't
 * know it any more. A second close would end in littlefs's assertion, so that
 * memory is lost until reboot: it takes a partition that fails. */
int32_t ocre_port_close(void *file)
{
	int result = fs_close(file);

	k_mem_slab_free(&files, file);
	return status(result);
}

/*
 * littlefs writes an unsynced file out when it is closed, unless an operation on
 * it has failed. Zephyr has no call for that, but the file's littlefs state is
 * the first member of what its handle points to; the conformance suite fails
 * where that is so no more.
 */
void ocre_port_discard(void *handle)
{
	struct fs_file_t *file = handle;

	((struct lfs_file *)file->filep)->flags |= LFS_F_ERRED;
	(void)ocre_port_close(file);
}

int32_t ocre_port_metadata(const uint8_t *path, uint32_t path_bytes,
			   uint32_t *directory, uint64_t *size)
{
	char full[PATH_BYTES];
	struct fs_dirent entry;
	int32_t result = place(full, path, path_bytes);

	if (result != 0) {
		return result;
	}
	if (path_bytes == 1) {
		*directory = 1;
		*size = 0;
		return 0;
	}
	result = status(fs_stat(full, &entry));
	if (result == 0) {
		*directory = entry.type == FS_DIR_ENTRY_DIR;
		*size = *directory ? 0 : entry.size;
	}
	return result;
}

int32_t ocre_port_create_dir(const uint8_t *path, uint32_t path_bytes)
{
	char full[PATH_BYTES];
	struct fs_dirent entry;
	int32_t result = place(full, path, path_bytes);

	if (result != 0) {
		return result;
	}
	/* Zephyr would log it as an error that a folder is there already. */
	if (fs_stat(full, &entry) == 0) {
		return OCRE_PORT_EXISTS;
	}
	return status(fs_mkdir(full));
}

int32_t ocre_port_remove(const uint8_t *path, uint32_t path_bytes)
{
	char full[PATH_BYTES];
	int32_t result = place(full, path, path_bytes);

	return result != 0 ? result : status(fs_unlink(full));
}

int32_t ocre_port_rename(const uint8_t *from, uint32_t from_bytes, const uint8_t *to,
			 uint32_t to_bytes)
{
	char full_from[PATH_BYTES], full_to[PATH_BYTES];
	struct fs_dirent entry;
	int32_t result = place(full_from, from, from_bytes);

	if (result == 0) {
		result = place(full_to, to, to_bytes);
	}
	if (result == 0) {
		result = status(fs_rename(full_from, full_to));
	}
	/* littlefs 2.8 says so whichever of the two is the folder. */
	if (result == OCRE_PORT_IS_DIRECTORY && fs_stat(full_to, &entry) == 0 &&
	    entry.type == FS_DIR_ENTRY_FILE) {
		result = OCRE_PORT_NOT_DIRECTORY;
	}
	return result;
}

int32_t ocre_port_read_dir(const uint8_t *path, uint32_t path_bytes, ocre_port_entry visit,
			   void *context)
{
	char full[PATH_BYTES];
	struct fs_dir_t dir;
	struct fs_dirent entry;
	int32_t result = place(full, path, path_bytes);

	if (result != 0) {
		return result;
	}
	/* Zephyr would log it as an error that a folder is not there. */
	if (path_bytes != 1 && fs_stat(full, &entry) == -ENOENT) {
		return OCRE_PORT_NOT_FOUND;
	}
	fs_dir_t_init(&dir);
	result = status(fs_opendir(&dir, full));
	if (result != 0) {
		return result;
	}
	for (;;) {
		uint32_t directory;

		result = status(fs_readdir(&dir, &entry));
		if (result != 0 || entry.name[0] == '\0') {
			break;
		}
		if (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0) {
			continue;
		}
		directory = entry.type == FS_DIR_ENTRY_DIR;
		if (visit(context, (const uint8_t *)entry.name, strlen(entry.name), directory,
			  directory ? 0 : entry.size) == 0) {
			break;
		}
	}
	(void)fs_closedir(&dir);
	return result;
}

int32_t ocre_port_space(uint64_t *total, uint64_t *free, uint32_t *block)
{
	struct fs_statvfs found;
	int result = fs_statvfs(CONFIG_OCRE_MOUNT_POINT, &found);

	if (result != 0) {
		return status(result);
	}
	*total = (uint64_t)found.f_frsize * found.f_blocks;
	*free = (uint64_t)found.f_frsize * found.f_bfree;
	*block = (uint32_t)found.f_frsize;
	return 0;
}
