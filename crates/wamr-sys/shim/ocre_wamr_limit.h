/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limit on the memory that WAMR takes from the system, where it has no pool: its
 * own structures, the code of modules, and the machine code of AOT files. Linear
 * memories are mapped apart from it; each has the limit of its container.
 */
#ifndef OCRE_WAMR_LIMIT_H
#define OCRE_WAMR_LIMIT_H

#include <stdint.h>

/* Sets the limit in bytes, before anything is allocated; 0 is none. */
void ocre_wamr_limit_set(uint32_t bytes);

void *ocre_wamr_limit_malloc(unsigned int bytes);
void *ocre_wamr_limit_realloc(void *memory, unsigned int bytes);
void ocre_wamr_limit_free(void *memory);

#endif
