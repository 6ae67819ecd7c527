/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a line and sleeps, without a libc. */
#include <stdint.h>

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))

struct piece {
	const void *bytes;
	uint32_t count;
};

WASI("fd_write")
int32_t wasi_fd_write(int32_t fd, const struct piece *pieces, uint32_t count, uint32_t *written);
WASI("poll_oneoff")
int32_t wasi_poll_oneoff(const void *in, void *out, uint32_t count, uint32_t *events);

/* A wait of the monotonic clock, as WASI lays it out. */
struct wait {
	uint64_t userdata;
	uint8_t tag;
	uint32_t clock;
	uint64_t timeout_ns;
	uint64_t precision_ns;
	uint16_t flags;
};

void _start(void)
{
	static const char line[] = "ready\n";
	const struct piece piece = {line, sizeof(line) - 1};
	const struct wait wait = {.clock = 1, .timeout_ns = 3600000000000};
	uint8_t event[32];
	uint32_t count;

	(void)wasi_fd_write(1, &piece, 1, &count);
	for (;;) {
		(void)wasi_poll_oneoff(&wait, event, 1, &count);
	}
}
