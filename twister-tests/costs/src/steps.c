/* SPDX-License-Identifier: Apache-2.0 */
/* Each wrapper is the linker's --wrap of a function: it notes the point and calls the function. */
#include "steps.h"

#include <string.h>

struct passage passages[POINTS];
K_SEM_DEFINE(line_printed, 0, 1);

static uint32_t storage_calls;
static uint32_t storage_cycles;

void steps_reset(void)
{
	memset(passages, 0, sizeof(passages));
	storage_calls = 0;
	storage_cycles = 0;
	k_sem_reset(&line_printed);
}

/* The first passage counts. */
void steps_pass(enum point point)
{
	struct passage *passage = &passages[point];

	if (passage->cycles == 0) {
		passage->cycles = k_cycle_get_32();
		passage->heap_bytes = heap_used();
		passage->storage_calls = storage_calls;
		passage->storage_cycles = storage_cycles;
	}
}

#define WRAP_STORAGE(name, parameters, arguments)                                                  \
	int32_t __real_##name parameters;                                                          \
	int32_t __wrap_##name parameters;                                                          \
	int32_t __wrap_##name parameters                                                           \
	{                                                                                          \
		uint32_t before = k_cycle_get_32();                                                \
		int32_t status = __real_##name arguments;                                          \
                                                                                                   \
		storage_calls++;                                                                   \
		storage_cycles += k_cycle_get_32() - before;                                       \
		return status;                                                                     \
	}

WRAP_STORAGE(ocre_port_open,
	     (const uint8_t *path, uint32_t path_bytes, uint32_t mode, void **file),
	     (path, path_bytes, mode, file))
WRAP_STORAGE(ocre_port_read, (void *file, uint8_t *buffer, uint32_t bytes), (file, buffer, bytes))
WRAP_STORAGE(ocre_port_metadata, (const uint8_t *path, uint32_t path_bytes, void *metadata),
	     (path, path_bytes, metadata))
WRAP_STORAGE(ocre_port_close, (void *file), (file))

void *__real_ocre_wamr_allocate(uint32_t bytes);
void *__wrap_ocre_wamr_allocate(uint32_t bytes);
void *__wrap_ocre_wamr_allocate(uint32_t bytes)
{
	if (passages[POINT_CREATED].cycles != 0) {
		steps_pass(POINT_READ);
	}
	return __real_ocre_wamr_allocate(bytes);
}

int32_t __real_ocre_wamr_load(uint8_t *code, uint32_t bytes, void **module, char *text,
			      uint32_t text_bytes);
int32_t __wrap_ocre_wamr_load(uint8_t *code, uint32_t bytes, void **module, char *text,
			      uint32_t text_bytes);
int32_t __wrap_ocre_wamr_load(uint8_t *code, uint32_t bytes, void **module, char *text,
			      uint32_t text_bytes)
{
	int32_t status;

	steps_pass(POINT_LOAD);
	status = __real_ocre_wamr_load(code, bytes, module, text, text_bytes);
	steps_pass(POINT_LOADED);
	return status;
}

int32_t __real_ocre_wamr_instantiate(void *module, uint32_t pages, uint32_t stack, uint32_t reserve,
				     void *context, void **instance, char *text, uint32_t bytes);
int32_t __wrap_ocre_wamr_instantiate(void *module, uint32_t pages, uint32_t stack, uint32_t reserve,
				     void *context, void **instance, char *text, uint32_t bytes);
int32_t __wrap_ocre_wamr_instantiate(void *module, uint32_t pages, uint32_t stack, uint32_t reserve,
				     void *context, void **instance, char *text, uint32_t bytes)
{
	int32_t status;

	steps_pass(POINT_INSTANTIATE);
	status = __real_ocre_wamr_instantiate(module, pages, stack, reserve, context, instance,
					      text, bytes);
	steps_pass(POINT_INSTANTIATED);
	return status;
}

int32_t __real_ocre_wamr_run_start(void *instance, int32_t budget);
int32_t __wrap_ocre_wamr_run_start(void *instance, int32_t budget);
int32_t __wrap_ocre_wamr_run_start(void *instance, int32_t budget)
{
	steps_pass(POINT_GUEST);
	return __real_ocre_wamr_run_start(instance, budget);
}

void __real_ocre_port_console_write(uint32_t stream, const uint8_t *bytes, uint32_t count);
void __wrap_ocre_port_console_write(uint32_t stream, const uint8_t *bytes, uint32_t count);
void __wrap_ocre_port_console_write(uint32_t stream, const uint8_t *bytes, uint32_t count)
{
	steps_pass(POINT_LINE);
	k_sem_give(&line_printed);
	__real_ocre_port_console_write(stream, bytes, count);
}
