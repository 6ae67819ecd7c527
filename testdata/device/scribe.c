/* SPDX-License-Identifier: Apache-2.0 */
/* Writes 3000 bytes, the n-th being 31 * n mod 251, to /pattern: more than littlefs
 * keeps beside a file's name. Without a libc, so that it has a few hundred bytes. */
#include <stdint.h>

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))

struct piece {
	const uint8_t *start;
	uint32_t bytes;
};

WASI("path_open")
int32_t path_open(int32_t folder, int32_t lookup, const char *path, uint32_t bytes, int32_t create,
		  int64_t rights, int64_t inherited, int32_t flags, int32_t *file);
WASI("fd_write")
int32_t fd_write(int32_t file, const struct piece *pieces, uint32_t count, uint32_t *written);
WASI("fd_close")
int32_t fd_close(int32_t file);
WASI("proc_exit")
_Noreturn void proc_exit(int32_t code);

enum { ROOT = 3, CREATE_OR_TRUNCATE = 9, STDOUT = 1 };

static uint8_t pattern[3000];

void _start(void)
{
	static const char done[] = "3000 bytes\n";
	struct piece piece = {pattern, sizeof(pattern)};
	uint32_t written;
	int32_t file;

	for (uint32_t n = 0; n < sizeof(pattern); n++) {
		pattern[n] = (uint8_t)(31 * n % 251);
	}
	/* The right to write. */
	if (path_open(ROOT, 0, "pattern", 7, CREATE_OR_TRUNCATE, 64, 0, 0, &file) != 0 ||
	    fd_write(file, &piece, 1, &written) != 0 || written != sizeof(pattern) ||
	    fd_close(file) != 0) {
		proc_exit(1);
	}
	piece = (struct piece){(const uint8_t *)done, sizeof(done) - 1};
	(void)fd_write(STDOUT, &piece, 1, &written);
}
