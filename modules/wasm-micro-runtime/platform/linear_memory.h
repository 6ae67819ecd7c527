/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for the guests' linear memories, apart from the engine's heap: a region of
 * the devicetree, or Zephyr's shared multi-heap. Usually external RAM.
 */
#ifndef OCRE_LINEAR_MEMORY_H_
#define OCRE_LINEAR_MEMORY_H_

#include <stddef.h>

#if !defined(CONFIG_OCRE_LINEAR_MEMORY_HEAP)
#define OCRE_LINEAR_MEMORY
#endif

/* Makes the memory empty. */
void ocre_linear_memory_init(void);

/* Memory with any content, aligned to 8 bytes, or NULL. */
void *ocre_linear_memory_get(size_t bytes);

void ocre_linear_memory_put(void *memory);

#endif
