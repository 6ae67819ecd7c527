/* SPDX-License-Identifier: Apache-2.0 */
#include "ocre_littlefs.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "lfs.h"

_Static_assert(LFS_NAME_MAX == OCRE_LFS_NAME_MAX, "names are as long as Zephyr's");

struct ocre_lfs {
	lfs_t lfs;
	struct lfs_config config;
	struct ocre_lfs_device device;
	/* littlefs's two caches, then its lookahead bitmap. */
	uint8_t *buffers;
	/* An assertion failed: what is in memory can't be trusted any more. */
	bool broken;
};

struct ocre_lfs_file {
	lfs_file_t file;
	struct lfs_file_config config;
	/* Where its blocks are, in order, once somebody has asked. */
	lfs_block_t *blocks;
	uint8_t cache[];
};

struct ocre_lfs_dir {
	lfs_dir_t dir;
};

/* Where a failed assertion of this thread's operation goes. */
static _Thread_local jmp_buf *trap;

_Noreturn void ocre_lfs_trap(void)
{
	longjmp(*trap, 1);
}

/*
 * Begins each function below that calls littlefs. Nothing that has a destructor is on the
 * stack between here and an assertion: the callbacks into Rust have returned by then.
 */
#define ENTER(fs)                                 \
	jmp_buf here;                             \
	if ((fs)->broken) {                       \
		return LFS_ERR_CORRUPT;           \
	}                                         \
	trap = &here;                             \
	if (setjmp(here) != 0) {                  \
		(fs)->broken = true;              \
		return LFS_ERR_CORRUPT;           \
	}

static int device_read(const struct lfs_config *config, lfs_block_t block, lfs_off_t offset,
		       void *buffer, lfs_size_t size)
{
	const struct ocre_lfs_device *device = config->context;

	return device->read(device->context, block, offset, buffer, size);
}

static int device_program(const struct lfs_config *config, lfs_block_t block, lfs_off_t offset,
			  const void *bytes, lfs_size_t size)
{
	const struct ocre_lfs_device *device = config->context;

	return device->program(device->context, block, offset, bytes, size);
}

static int device_erase(const struct lfs_config *config, lfs_block_t block)
{
	const struct ocre_lfs_device *device = config->context;

	return device->erase(device->context, block);
}

static int device_sync(const struct lfs_config *config)
{
	const struct ocre_lfs_device *device = config->context;

	return device->sync(device->context);
}

static struct ocre_lfs *prepare(const struct ocre_lfs_device *device)
{
	struct ocre_lfs *fs = calloc(1, sizeof(*fs));

	if (fs == NULL) {
		return NULL;
	}
	fs->buffers = calloc(1, 2 * (size_t)device->cache_size + device->lookahead_size);
	if (fs->buffers == NULL) {
		free(fs);
		return NULL;
	}
	fs->device = *device;
	fs->config = (struct lfs_config){
		.context = &fs->device,
		.read = device_read,
		.prog = device_program,
		.erase = device_erase,
		.sync = device_sync,
		.read_size = device->read_size,
		.prog_size = device->program_size,
		.block_size = device->block_size,
		.block_count = device->block_count,
		.block_cycles = device->block_cycles,
		.cache_size = device->cache_size,
		.inline_max = device->inline_max,
		.lookahead_size = device->lookahead_size,
		.read_buffer = fs->buffers,
		.prog_buffer = fs->buffers + device->cache_size,
		.lookahead_buffer = fs->buffers + 2 * (size_t)device->cache_size,
	};
	return fs;
}

static void discard(struct ocre_lfs *fs)
{
	free(fs->buffers);
	free(fs);
}

static int32_t format(struct ocre_lfs *fs)
{
	ENTER(fs);
	return lfs_format(&fs->lfs, &fs->config);
}

int32_t ocre_lfs_format(const struct ocre_lfs_device *device)
{
	struct ocre_lfs *fs = prepare(device);
	int32_t status;

	if (fs == NULL) {
		return LFS_ERR_NOMEM;
	}
	status = format(fs);
	discard(fs);
	return status;
}

static int32_t mount(struct ocre_lfs *fs)
{
	ENTER(fs);
	return lfs_mount(&fs->lfs, &fs->config);
}

int32_t ocre_lfs_mount(const struct ocre_lfs_device *device, struct ocre_lfs **out)
{
	struct ocre_lfs *fs = prepare(device);
	int32_t status;

	if (fs == NULL) {
		return LFS_ERR_NOMEM;
	}
	status = mount(fs);
	if (status < 0) {
		discard(fs);
		return status;
	}
	*out = fs;
	return 0;
}

void ocre_lfs_unmount(struct ocre_lfs *fs)
{
	/* lfs_unmount would free buffers of its own, and there are none. */
	discard(fs);
}

int32_t ocre_lfs_used(struct ocre_lfs *fs)
{
	ENTER(fs);
	return lfs_fs_size(&fs->lfs);
}

int32_t ocre_lfs_version(struct ocre_lfs *fs, uint32_t *version)
{
	struct lfs_fsinfo info = {0};
	int32_t status;

	ENTER(fs);
	status = lfs_fs_stat(&fs->lfs, &info);
	*version = info.disk_version;
	return status;
}

int32_t ocre_lfs_recover(struct ocre_lfs *fs)
{
	ENTER(fs);
	return lfs_fs_mkconsistent(&fs->lfs);
}

int32_t ocre_lfs_blocks(struct ocre_lfs *fs, int32_t (*block)(void *context, uint32_t number),
			void *context)
{
	ENTER(fs);
	return lfs_fs_traverse(&fs->lfs, block, context);
}

static void tell(const struct lfs_info *info, uint32_t *kind, uint32_t *size)
{
	bool is_dir = info->type == LFS_TYPE_DIR;

	*kind = is_dir ? OCRE_LFS_IS_DIR : OCRE_LFS_IS_FILE;
	*size = is_dir ? 0 : info->size;
}

int32_t ocre_lfs_stat(struct ocre_lfs *fs, const char *path, uint32_t *kind, uint32_t *size)
{
	struct lfs_info info = {0};
	int32_t status;

	ENTER(fs);
	status = lfs_stat(&fs->lfs, path, &info);
	if (status >= 0) {
		tell(&info, kind, size);
	}
	return status;
}

int32_t ocre_lfs_mkdir(struct ocre_lfs *fs, const char *path)
{
	ENTER(fs);
	return lfs_mkdir(&fs->lfs, path);
}

int32_t ocre_lfs_remove(struct ocre_lfs *fs, const char *path)
{
	ENTER(fs);
	return lfs_remove(&fs->lfs, path);
}

int32_t ocre_lfs_rename(struct ocre_lfs *fs, const char *from, const char *to)
{
	ENTER(fs);
	return lfs_rename(&fs->lfs, from, to);
}

static int flags_of(uint32_t mode)
{
	int flags = 0;

	flags |= (mode & OCRE_LFS_READ) ? LFS_O_RDONLY : 0;
	flags |= (mode & OCRE_LFS_WRITE) ? LFS_O_WRONLY : 0;
	flags |= (mode & OCRE_LFS_CREATE) ? LFS_O_CREAT : 0;
	flags |= (mode & OCRE_LFS_EXCLUSIVE) ? LFS_O_EXCL : 0;
	flags |= (mode & OCRE_LFS_TRUNCATE) ? LFS_O_TRUNC : 0;
	flags |= (mode & OCRE_LFS_APPEND) ? LFS_O_APPEND : 0;
	return flags;
}

static int32_t open_file(struct ocre_lfs *fs, struct ocre_lfs_file *file, const char *path,
			 uint32_t mode)
{
	file->config.buffer = file->cache;
	ENTER(fs);
	return lfs_file_opencfg(&fs->lfs, &file->file, path, flags_of(mode), &file->config);
}

int32_t ocre_lfs_open(struct ocre_lfs *fs, const char *path, uint32_t mode,
		      struct ocre_lfs_file **out)
{
	struct ocre_lfs_file *file = calloc(1, sizeof(*file) + fs->device.cache_size);
	int32_t status;

	if (file == NULL) {
		return LFS_ERR_NOMEM;
	}
	status = open_file(fs, file, path, mode);
	if (status < 0) {
		/* A broken file system may still have it in a list, which nobody reads. */
		free(file);
		return status;
	}
	*out = file;
	return 0;
}

static int32_t close_file(struct ocre_lfs *fs, struct ocre_lfs_file *file)
{
	ENTER(fs);
	return lfs_file_close(&fs->lfs, &file->file);
}

int32_t ocre_lfs_close(struct ocre_lfs *fs, struct ocre_lfs_file *file, int32_t discard)
{
	int32_t status;

	if (discard) {
		/* littlefs writes nothing for a file that failed, and closes it all the same. */
		file->file.flags |= LFS_F_ERRED;
	}
	status = close_file(fs, file);
	free(file->blocks);
	free(file);
	return status;
}

/*
 * Reading whole blocks. littlefs would look for each from the end of the file, and copy it
 * twice: into its cache, and from there. Its format is a list that leads backwards: block n
 * begins with the number of block n - 1, and with as many more as n can be halved.
 */

/* Which block a position is in; the position becomes an offset in that block. */
static uint32_t index_of(const struct ocre_lfs *fs, uint32_t *position)
{
	uint32_t room = fs->device.block_size - 2 * sizeof(lfs_block_t);
	uint32_t index = *position / room;

	if (index == 0) {
		return 0;
	}
	index = (*position - sizeof(lfs_block_t) * (lfs_popc(index - 1) + 2)) / room;
	*position -= room * index + sizeof(lfs_block_t) * lfs_popc(index);
	return index;
}

static int32_t find_blocks(struct ocre_lfs *fs, struct ocre_lfs_file *file)
{
	const struct ocre_lfs_device *device = &fs->device;
	uint32_t last = file->file.ctz.size - 1;
	uint32_t index = index_of(fs, &last);
	lfs_block_t block = file->file.ctz.head;
	lfs_block_t *blocks;

	if (index >= device->block_count) {
		return LFS_ERR_CORRUPT;
	}
	blocks = malloc((index + 1) * sizeof(*blocks));
	if (blocks == NULL) {
		return LFS_ERR_NOMEM;
	}
	for (;;) {
		uint8_t start[sizeof(block)];

		if (block >= device->block_count) {
			free(blocks);
			return LFS_ERR_CORRUPT;
		}
		blocks[index] = block;
		if (index == 0) {
			file->blocks = blocks;
			return 0;
		}
		if (device->read(device->context, block, 0, start, sizeof(start)) != 0) {
			free(blocks);
			return LFS_ERR_IO;
		}
		memcpy(&block, start, sizeof(block));
		block = lfs_fromle32(block);
		index--;
	}
}

/* Of a file that is being written the blocks may change. */
static bool has_blocks(const struct ocre_lfs_file *file)
{
	return (file->file.flags & LFS_O_RDWR) == LFS_O_RDONLY &&
	       (file->file.flags & LFS_F_INLINE) == 0 && file->file.ctz.size > 0;
}

/* Makes the list of the file's blocks, if it has any and there is memory for it. */
static int32_t know_blocks(struct ocre_lfs *fs, struct ocre_lfs_file *file)
{
	int32_t status = 0;

	if (file->blocks == NULL && has_blocks(file)) {
		status = find_blocks(fs, file);
	}
	return status == LFS_ERR_NOMEM ? 0 : status;
}

/* The list is there. */
static uint32_t skip(const struct ocre_lfs *fs, struct ocre_lfs_file *file, uint32_t most,
		     uint32_t *block, uint32_t *offset)
{
	uint32_t end = file->file.ctz.size;
	uint32_t count;

	if (file->file.pos >= end) {
		return 0;
	}
	*offset = file->file.pos;
	*block = file->blocks[index_of(fs, offset)];
	count = lfs_min(lfs_min(most, end - file->file.pos), fs->device.block_size - *offset);
	file->file.pos += count;
	return count;
}

static int32_t read_blocks(struct ocre_lfs *fs, struct ocre_lfs_file *file, uint8_t *buffer,
			   uint32_t size)
{
	const struct ocre_lfs_device *device = &fs->device;
	uint32_t done = 0;

	for (;;) {
		uint32_t block;
		uint32_t offset;
		uint32_t count = skip(fs, file, size - done, &block, &offset);

		if (count == 0) {
			return (int32_t)done;
		}
		if (device->read(device->context, block, offset, buffer + done, count) != 0) {
			return LFS_ERR_IO;
		}
		done += count;
	}
}

int32_t ocre_lfs_read(struct ocre_lfs *fs, struct ocre_lfs_file *file, void *buffer,
		      uint32_t size)
{
	ENTER(fs);
	if (size >= fs->device.block_size) {
		int32_t status = know_blocks(fs, file);

		if (status < 0) {
			return status;
		}
	}
	if (file->blocks != NULL) {
		return read_blocks(fs, file, buffer, size);
	}
	return lfs_file_read(&fs->lfs, &file->file, buffer, size);
}

int32_t ocre_lfs_skip(struct ocre_lfs *fs, struct ocre_lfs_file *file, uint32_t *block,
		      uint32_t *offset)
{
	int32_t status = fs->broken ? LFS_ERR_CORRUPT : know_blocks(fs, file);

	if (status < 0 || file->blocks == NULL) {
		return status;
	}
	return (int32_t)skip(fs, file, UINT32_MAX, block, offset);
}

int32_t ocre_lfs_write(struct ocre_lfs *fs, struct ocre_lfs_file *file, const void *bytes,
		       uint32_t size)
{
	ENTER(fs);
	return lfs_file_write(&fs->lfs, &file->file, bytes, size);
}

int32_t ocre_lfs_seek(struct ocre_lfs *fs, struct ocre_lfs_file *file, uint32_t position)
{
	ENTER(fs);
	return lfs_file_seek(&fs->lfs, &file->file, (lfs_soff_t)position, LFS_SEEK_SET);
}

int32_t ocre_lfs_tell(struct ocre_lfs *fs, struct ocre_lfs_file *file)
{
	ENTER(fs);
	return lfs_file_tell(&fs->lfs, &file->file);
}

int32_t ocre_lfs_size(struct ocre_lfs *fs, struct ocre_lfs_file *file)
{
	ENTER(fs);
	return lfs_file_size(&fs->lfs, &file->file);
}

int32_t ocre_lfs_truncate(struct ocre_lfs *fs, struct ocre_lfs_file *file, uint32_t size)
{
	ENTER(fs);
	return lfs_file_truncate(&fs->lfs, &file->file, size);
}

int32_t ocre_lfs_sync(struct ocre_lfs *fs, struct ocre_lfs_file *file)
{
	ENTER(fs);
	return lfs_file_sync(&fs->lfs, &file->file);
}

static int32_t open_dir(struct ocre_lfs *fs, struct ocre_lfs_dir *dir, const char *path)
{
	ENTER(fs);
	return lfs_dir_open(&fs->lfs, &dir->dir, path);
}

int32_t ocre_lfs_dir_open(struct ocre_lfs *fs, const char *path, struct ocre_lfs_dir **out)
{
	struct ocre_lfs_dir *dir = calloc(1, sizeof(*dir));
	int32_t status;

	if (dir == NULL) {
		return LFS_ERR_NOMEM;
	}
	status = open_dir(fs, dir, path);
	if (status < 0) {
		free(dir);
		return status;
	}
	*out = dir;
	return 0;
}

int32_t ocre_lfs_dir_read(struct ocre_lfs *fs, struct ocre_lfs_dir *dir, char *name,
			  uint32_t *kind, uint32_t *size)
{
	struct lfs_info info = {0};
	int32_t status;

	ENTER(fs);
	status = lfs_dir_read(&fs->lfs, &dir->dir, &info);
	if (status > 0) {
		tell(&info, kind, size);
		/* A damaged name may fill its field without a NUL. */
		memcpy(name, info.name, sizeof(info.name));
		name[OCRE_LFS_NAME_MAX] = '\0';
	}
	return status;
}

static int32_t close_dir(struct ocre_lfs *fs, struct ocre_lfs_dir *dir)
{
	ENTER(fs);
	return lfs_dir_close(&fs->lfs, &dir->dir);
}

void ocre_lfs_dir_close(struct ocre_lfs *fs, struct ocre_lfs_dir *dir)
{
	(void)close_dir(fs, dir);
	free(dir);
}
