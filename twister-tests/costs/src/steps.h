/* SPDX-License-Identifier: Apache-2.0 */
/* Steps between the functions of the engine and of the port, with their cycles and memory. */
#ifndef COSTS_STEPS_H
#define COSTS_STEPS_H

#include <stdint.h>
#include <zephyr/kernel.h>

/* Points of a start, in their order. */
enum point {
	POINT_COMMAND, /* Begin of the create. */
	POINT_CREATED, /* End of the create. */
	POINT_READ,    /* First allocation of the start: the memory of the code. */
	POINT_LOAD,    /* Load of the code begins: it is read and hashed. */
	POINT_LOADED,
	POINT_INSTANTIATE,
	POINT_INSTANTIATED,
	POINT_GUEST, /* First instruction of the guest. */
	POINT_LINE,  /* First output. */
	POINTS,
};

struct passage {
	uint32_t cycles;
	uint32_t heap_bytes;
	/* Calls and cycles of the partition so far. */
	uint32_t storage_calls;
	uint32_t storage_cycles;
};

extern struct passage passages[POINTS];
extern struct k_sem line_printed;

void steps_reset(void);
void steps_pass(enum point point);
/* Bytes of the engine's heap in use, and the most since the last steps_reset(). */
uint32_t heap_used(void);
uint32_t heap_most(void);
void heap_reset(void);

#endif
