/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for AOT code alone, under an MPU: read-only and executable, and writable
 * while a module is loaded. Without an MPU or a region of its own, code is in
 * WAMR's pool like all else.
 */
#ifndef OCRE_CODE_MEMORY_H_
#define OCRE_CODE_MEMORY_H_

#include <stdbool.h>
#include <stddef.h>

#include <zephyr/devicetree.h>

#if defined(CONFIG_OCRE_AOT) && !defined(CONFIG_ARCH_POSIX) && \
	(defined(CONFIG_ARM_MPU) || DT_HAS_CHOSEN(ocre_exec_memory))
#define OCRE_CODE_MEMORY
#endif

/* Size of the memory. */
#if DT_HAS_CHOSEN(ocre_exec_memory)
#define OCRE_CODE_MEMORY_BYTES DT_REG_SIZE(DT_CHOSEN(ocre_exec_memory))
#else
#define OCRE_CODE_MEMORY_BYTES CONFIG_OCRE_AOT_CODE_SIZE
#endif

/* Makes the memory empty. */
void ocre_code_memory_init(void);

/* Zeroed memory for a module's code, writable until it is sealed, or NULL. */
void *ocre_code_memory_get(size_t bytes);

/* Ends the writing of a module's code. */
void ocre_code_memory_seal(void *code);

/* Frees a module's code, sealed or not. */
void ocre_code_memory_put(void *code);

/* True for an address in the memory. */
bool ocre_code_memory_has(const void *at);

#endif
