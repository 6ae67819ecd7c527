/* SPDX-License-Identifier: Apache-2.0 */
/* A counter as a secure element has one. Here it is a file outside of the runtime's folders, which
 * the suite does not write anew. */
#include <errno.h>
#include <ocre/counter.h>
#include <string.h>
#include <zephyr/fs/fs.h>

#define COUNTER CONFIG_OCRE_MOUNT_POINT "/counter"

struct counted {
	uint8_t name[OCRE_COUNTER_NAME_BYTES];
	uint64_t number;
};

static int open_counter(struct fs_file_t *file, fs_mode_t mode)
{
	fs_file_t_init(file);
	return fs_open(file, COUNTER, mode);
}

int ocre_counter_read(const uint8_t *name, uint64_t *number)
{
	struct fs_file_t file;
	struct counted counted;

	*number = 0;
	if (open_counter(&file, FS_O_READ) != 0) {
		return 0;
	}
	/* The last record of a name counts. */
	while (fs_read(&file, &counted, sizeof(counted)) == sizeof(counted)) {
		if (memcmp(counted.name, name, sizeof(counted.name)) == 0) {
			*number = counted.number;
		}
	}
	return fs_close(&file);
}

int ocre_counter_raise(const uint8_t *name, uint64_t number)
{
	struct fs_file_t file;
	struct counted counted = {.number = number};
	ssize_t written;

	memcpy(counted.name, name, sizeof(counted.name));
	if (open_counter(&file, FS_O_CREATE | FS_O_WRITE | FS_O_APPEND) != 0) {
		return -EIO;
	}
	written = fs_write(&file, &counted, sizeof(counted));
	if (fs_close(&file) != 0 || written != sizeof(counted)) {
		return -EIO;
	}
	return 0;
}
