/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include <zephyr/fs/fs.h>
#include <zephyr/fs/littlefs.h>
#include <zephyr/storage/flash_map.h>

/* Caches as Kconfig has them: FS_LITTLEFS_CACHE_SIZE and its neighbours. */
FS_LITTLEFS_DECLARE_DEFAULT_CONFIG(ocre_littlefs);

/* FIXED_PARTITION_ID is deprecated since Zephyr 4.4. */
#ifdef PARTITION_ID
#define PARTITION PARTITION_ID(storage_partition)
#else
#define PARTITION FIXED_PARTITION_ID(storage_partition)
#endif

static struct fs_mount_t partition = {
	.type = FS_LITTLEFS,
	.mnt_point = CONFIG_OCRE_MOUNT_POINT,
	.fs_data = &ocre_littlefs,
	.storage_dev = (void *)PARTITION,
	.flags = IS_ENABLED(CONFIG_OCRE_MOUNT_FORMAT) ? 0 : FS_MOUNT_FLAG_NO_FORMAT,
};

int32_t ocre_port_mount(void)
{
	int result = fs_mount(&partition);

	if (result == -EBUSY) {
		return OCRE_PORT_EXISTS;
	}
	return result == 0 ? 0 : OCRE_PORT_IO;
}

int32_t ocre_port_unmount(void)
{
	return fs_unmount(&partition) == 0 ? 0 : OCRE_PORT_IO;
}
