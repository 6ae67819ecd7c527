/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole contract between the Rust crate and the compiler behind it.
 *
 * Only fixed-width integers and pointers cross it. Every other symbol of the
 * compiler is made local when the build joins its objects, because the program
 * that compiles also links WAMR's runtime, which has functions of the same
 * names built with other options.
 */
#ifndef OCRE_AOT_SHIM_H
#define OCRE_AOT_SHIM_H

#include <stdint.h>

/* Results of ocre_aot_compile(). */
#define OCRE_AOT_OK 0
#define OCRE_AOT_BAD_WASM 1 /* WAMR's loader refused the module */
#define OCRE_AOT_TARGET 2   /* the module or the options do not fit the target */
#define OCRE_AOT_CODEGEN 3  /* code generation failed */
#define OCRE_AOT_MEMORY 4   /* out of memory, or no memory file for LLVM */
#define OCRE_AOT_UNPROVEN 5 /* no proof that the code can be ended at any time */
#define OCRE_AOT_IMPORT 6   /* an import that the file could not name */

/* Strings are NUL-terminated; features and abi may be null. Flags are 0 or 1. */
struct ocre_aot_options {
    const char *arch;
    const char *abi;
    const char *cpu;
    const char *features;
    uint32_t opt_level;  /* 0..3 */
    uint32_t code_model; /* WAMR's size level: 0 large, 1 medium, 2 kernel, 3 small */
    uint32_t bounds_checks;
    uint32_t stack_checks;
    uint32_t kill_checks;
    uint32_t kill_proof;
};

/*
 * Compiles wasm[0..wasm_len]. On success *out and *out_len are the AOT file,
 * to be given back with ocre_aot_free(). Otherwise message (of message_len
 * bytes) holds a NUL-terminated text. Not thread-safe: one call at a time.
 */
int32_t ocre_aot_compile(const uint8_t *wasm, uint32_t wasm_len,
                         const struct ocre_aot_options *options, uint8_t **out,
                         uint32_t *out_len, char *message, uint32_t message_len);

void ocre_aot_free(uint8_t *out);

#endif
