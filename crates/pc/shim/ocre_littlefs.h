/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract with littlefs: fixed-width integers, pointers and status codes.
 *
 * A status is 0 or more when it went well and one of littlefs's negative error codes
 * otherwise. All calls on one file system, its files and its folders are made by one
 * thread at a time. An assertion that fails inside littlefs makes the call return
 * LFS_ERR_CORRUPT, and every later call on that file system too.
 */
#ifndef OCRE_LITTLEFS_H
#define OCRE_LITTLEFS_H

#include <stdint.h>

struct ocre_lfs;
struct ocre_lfs_file;
struct ocre_lfs_dir;

/* The flash, and what is known of it; sizes in bytes. */
struct ocre_lfs_device {
	void *context;
	int32_t (*read)(void *context, uint32_t block, uint32_t offset, void *buffer,
			uint32_t size);
	int32_t (*program)(void *context, uint32_t block, uint32_t offset, const void *bytes,
			   uint32_t size);
	int32_t (*erase)(void *context, uint32_t block);
	int32_t (*sync)(void *context);
	uint32_t read_size;
	uint32_t program_size;
	uint32_t block_size;
	uint32_t block_count;
	uint32_t cache_size;
	uint32_t inline_max;
	uint32_t lookahead_size;
	int32_t block_cycles;
};

#define OCRE_LFS_READ 1u
#define OCRE_LFS_WRITE 2u
#define OCRE_LFS_CREATE 4u
#define OCRE_LFS_EXCLUSIVE 8u
#define OCRE_LFS_TRUNCATE 16u
#define OCRE_LFS_APPEND 32u

#define OCRE_LFS_IS_FILE 0u
#define OCRE_LFS_IS_DIR 1u

/* Longest name, without its NUL. */
#define OCRE_LFS_NAME_MAX 255u

int32_t ocre_lfs_format(const struct ocre_lfs_device *device);

/* Fills in `fs`, which ocre_lfs_unmount frees, only where it returns 0. */
int32_t ocre_lfs_mount(const struct ocre_lfs_device *device, struct ocre_lfs **fs);
/* Every file and folder has been closed. */
void ocre_lfs_unmount(struct ocre_lfs *fs);

/* Blocks in use; where some are counted twice it may be more than there are. */
int32_t ocre_lfs_used(struct ocre_lfs *fs);
/* The version of the format, the major one in the upper half. */
int32_t ocre_lfs_version(struct ocre_lfs *fs, uint32_t *version);
/* Finishes what a power cut has left half done, as the first write does. */
int32_t ocre_lfs_recover(struct ocre_lfs *fs);
/* Calls `block` with the number of each block in use, with those of folders once or twice. */
int32_t ocre_lfs_blocks(struct ocre_lfs *fs, int32_t (*block)(void *context, uint32_t number),
			void *context);
int32_t ocre_lfs_stat(struct ocre_lfs *fs, const char *path, uint32_t *kind, uint32_t *size);
int32_t ocre_lfs_mkdir(struct ocre_lfs *fs, const char *path);
int32_t ocre_lfs_remove(struct ocre_lfs *fs, const char *path);
int32_t ocre_lfs_rename(struct ocre_lfs *fs, const char *from, const char *to);

/* Fills in `file`, which ocre_lfs_close frees, only where it returns 0. */
int32_t ocre_lfs_open(struct ocre_lfs *fs, const char *path, uint32_t mode,
		      struct ocre_lfs_file **file);
/* With `discard`, what was not synced is forgotten and nothing is written. */
int32_t ocre_lfs_close(struct ocre_lfs *fs, struct ocre_lfs_file *file, int32_t discard);
int32_t ocre_lfs_read(struct ocre_lfs *fs, struct ocre_lfs_file *file, void *buffer,
		      uint32_t size);
/*
 * Moves the position of a file that is open for reading only to the end of the block that it is
 * in, or of the file: returns how many bytes that skips, and where on the flash they are. 0 at
 * the end of the file, and where they are not known to be in one place.
 */
int32_t ocre_lfs_skip(struct ocre_lfs *fs, struct ocre_lfs_file *file, uint32_t *block,
		      uint32_t *offset);
int32_t ocre_lfs_write(struct ocre_lfs *fs, struct ocre_lfs_file *file, const void *bytes,
		       uint32_t size);
/* To a position from the start; returns it. */
int32_t ocre_lfs_seek(struct ocre_lfs *fs, struct ocre_lfs_file *file, uint32_t position);
int32_t ocre_lfs_tell(struct ocre_lfs *fs, struct ocre_lfs_file *file);
int32_t ocre_lfs_size(struct ocre_lfs *fs, struct ocre_lfs_file *file);
int32_t ocre_lfs_truncate(struct ocre_lfs *fs, struct ocre_lfs_file *file, uint32_t size);
int32_t ocre_lfs_sync(struct ocre_lfs *fs, struct ocre_lfs_file *file);

/* Fills in `dir`, which ocre_lfs_dir_close frees, only where it returns 0. */
int32_t ocre_lfs_dir_open(struct ocre_lfs *fs, const char *path, struct ocre_lfs_dir **dir);
/*
 * The next entry, `.` and `..` among them: 1, or 0 at the end. `name` has room for
 * OCRE_LFS_NAME_MAX + 1 bytes and is ended by a NUL.
 */
int32_t ocre_lfs_dir_read(struct ocre_lfs *fs, struct ocre_lfs_dir *dir, char *name,
			  uint32_t *kind, uint32_t *size);
void ocre_lfs_dir_close(struct ocre_lfs *fs, struct ocre_lfs_dir *dir);

#endif
