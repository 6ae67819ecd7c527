/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The littlefs of the storage partition.
 *
 * Promised: a mount formats a blank partition alone, unless Kconfig says otherwise, and a
 * partition that can't be read is neither blank nor damaged. A power cut during the format of
 * a blank partition leaves a blank one.
 *
 * Design: littlefs writes its first superblock into an erased block, so a cut there leaves bytes
 * that are neither. A mark at the end of the partition, written before, says that the partition
 * was blank. littlefs sees the mark's block as free.
 */
#include "port.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/fs/littlefs.h>
#include <zephyr/logging/log.h>
#include <zephyr/storage/flash_map.h>

LOG_MODULE_DECLARE(ocre, CONFIG_OCRE_LOG_LEVEL);

/* Caches as Kconfig has them: FS_LITTLEFS_CACHE_SIZE and its neighbours. */
FS_LITTLEFS_DECLARE_DEFAULT_CONFIG(ocre_littlefs);

/* FIXED_PARTITION_ID is deprecated since Zephyr 4.4. */
#ifdef PARTITION_ID
#define PARTITION PARTITION_ID(storage_partition)
#else
#define PARTITION FIXED_PARTITION_ID(storage_partition)
#endif

/* Each byte of the mark. */
#define MARK 0x5a

static struct fs_mount_t partition = {
	.type = FS_LITTLEFS,
	.mnt_point = CONFIG_OCRE_MOUNT_POINT,
	.fs_data = &ocre_littlefs,
	.storage_dev = (void *)PARTITION,
	.flags = FS_MOUNT_FLAG_NO_FORMAT,
};

static int32_t formatted, failure;

#define CACHE_BYTES CONFIG_FS_LITTLEFS_CACHE_SIZE

/* Value of all bytes at an offset, as many as littlefs's cache has; -EILSEQ where they differ, or
 * -EIO. The cache is free before a mount. */
static int value_at(const struct flash_area *area, uint32_t at)
{
	uint8_t *bytes = ocre_littlefs.cfg.read_buffer;

	if (flash_area_read(area, at, bytes, CACHE_BYTES) != 0) {
		return -EIO;
	}
	return memcmp(bytes, bytes + 1, CACHE_BYTES - 1) == 0 ? bytes[0] : -EILSEQ;
}

/* Looks at a partition that does not mount: 0 where it is blank, and marked now; -EILSEQ, -ENODATA
 * or -EIO. */
static int look(void)
{
	const struct lfs_config *sizes = &ocre_littlefs.cfg;
	const struct flash_area *area;
	uint32_t end, at = 0;
	bool marked;
	int value;

	if (flash_area_open(PARTITION, &area) != 0) {
		return -EIO;
	}
	end = area->fa_size - CACHE_BYTES;
	marked = value_at(area, end) == MARK;
	if (marked) {
		/* Behind the superblock's two blocks, which may be half written. */
		at = 2 * sizes->block_size;
	}
	/* Bytes of one value are no data, be it that of erased flash or of new memory. */
	for (value = value_at(area, at); at < end; at += CACHE_BYTES) {
		int next = value_at(area, at);

		if (next < 0) {
			return next;
		}
		if (next != value) {
			return -EILSEQ;
		}
	}
	if (!IS_ENABLED(CONFIG_OCRE_MOUNT_FORMAT)) {
		return -ENODATA;
	}
	if (!marked) {
		memset(sizes->read_buffer, MARK, CACHE_BYTES);
		if (flash_area_write(area, end, sizes->read_buffer, CACHE_BYTES) != 0) {
			/* The rest of another mark is there. A cut erase leaves any bytes, so this
			 * is the exception. Without a mark, a power cut is all that can go wrong:
			 * so the format begins. */
			(void)flash_area_erase(area, area->fa_size - sizes->block_size,
					       sizes->block_size);
			(void)flash_area_write(area, end, sizes->read_buffer, CACHE_BYTES);
		}
	}
	return 0;
}

static int format(void)
{
	int result = fs_mkfs(FS_LITTLEFS, PARTITION, &ocre_littlefs, 0);

	if (result == 0) {
		formatted = 1;
		LOG_WRN("storage partition formatted");
	}
	return result;
}

static int mount(void)
{
	int result = fs_mount(&partition);

	/* But where another file system is mounted there. */
	if (result != 0 && result != -EBUSY) {
		result = look();
		if (result != 0 &&
		    !(IS_ENABLED(CONFIG_OCRE_MOUNT_FORMAT_DAMAGED) && result == -EILSEQ)) {
			return result;
		}
		result = format();
		if (result == 0) {
			result = fs_mount(&partition);
		}
	}
	return result == 0 ? 0 : -EIO;
}

int32_t ocre_port_mount(void)
{
	int result = mount();

	if (IS_ENABLED(CONFIG_SHELL)) {
		failure = result;
	}
	return result;
}

int32_t ocre_port_unmount(void)
{
	return fs_unmount(&partition) == 0 ? 0 : OCRE_PORT_IO;
}

int32_t ocre_port_format(void)
{
	/* Fails where another file system is mounted there. */
	int result = fs_mount(&partition);

	if (result == -EBUSY) {
		return result;
	}
	if (result == 0) {
		(void)fs_unmount(&partition);
	}
	return format() == 0 ? 0 : -EIO;
}

int32_t ocre_port_formatted(void)
{
	return formatted;
}

int32_t ocre_port_mount_failure(void)
{
	return failure;
}
