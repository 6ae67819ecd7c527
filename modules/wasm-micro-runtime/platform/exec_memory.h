/* SPDX-License-Identifier: Apache-2.0 */
/* Executable memory for the simulator, from the PC. */
#ifndef OCRE_EXEC_MEMORY_H
#define OCRE_EXEC_MEMORY_H

#include <stddef.h>

/* NULL if there is none. */
void *ocre_exec_memory_get(size_t bytes);
void ocre_exec_memory_put(void *memory, size_t bytes);

#endif
