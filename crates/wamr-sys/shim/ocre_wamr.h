/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between ocre-rs and WAMR.
 *
 * Promised: only fixed-width integers, size_t, pointers and pointers to
 * structures of these cross it, because compilers for one and the same target
 * disagree about the width of an enum and about how a float is passed. Text is
 * bytes ended by NUL. Every function may be called from any thread unless
 * documented otherwise.
 *
 * A module is used by one thread at a time; an instance by the thread that made
 * it, and by no other one except through ocre_wamr_interrupt().
 */
#ifndef OCRE_WAMR_H
#define OCRE_WAMR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Status codes. */
#define OCRE_WAMR_OK 0
/* WAMR refused; its words are in the caller's text buffer. */
#define OCRE_WAMR_REFUSED 1
/* No memory. */
#define OCRE_WAMR_NO_MEMORY 2
/* The calling thread's stack leaves no room for a guest. */
#define OCRE_WAMR_NO_STACK 3
/* The guest ended with an exception: see ocre_wamr_exception(). */
#define OCRE_WAMR_EXCEPTION 4
/* The guest ended because of ocre_wamr_interrupt(). */
#define OCRE_WAMR_INTERRUPTED 5
/* The module has no such function, or only imports it. */
#define OCRE_WAMR_NO_FUNCTION 6

/* Kinds of imports and exports. */
#define OCRE_WAMR_FUNCTION 0u
#define OCRE_WAMR_TABLE 1u
#define OCRE_WAMR_MEMORY 2u
#define OCRE_WAMR_GLOBAL 3u

/* The exception that ends a guest whose host call was halted, and the one that
 * ends a guest which makes a host call after ocre_wamr_interrupt(). */
#define OCRE_WAMR_HALTED "halted by the host"
#define OCRE_WAMR_STOPPED "stopped by the host"
/* What AOT code raises, by a number that WAMR has no words for, when it finds
 * itself interrupted: its callers only look for an exception. */
#define OCRE_WAMR_KILLED "unknown exception"

/* Bytes that hold any text WAMR gives, NUL included. */
#define OCRE_WAMR_TEXT_BYTES 160u

/* A host function. Texts stay where they are for the life of the process. */
struct ocre_wamr_native {
    const char *name;
    /* WAMR's notation: parameters in parentheses, then the result. */
    const char *signature;
    /* Number for the call handler. */
    uint32_t index;
    uint32_t parameters;
};

/* One import or export. Pointers are valid as long as the module. */
struct ocre_wamr_external {
    /* NULL for an export. */
    const char *module;
    const char *name;
    uint32_t kind;
    /* Of a function that the module itself defines: its index, else UINT32_MAX. */
    uint32_t function;
    /* Of an import: 1 where a host function has that name and signature, else 0. */
    uint32_t linked;
    /* Of a function: its value types in wasm's encoding, parameters first. */
    const uint8_t *types;
    uint32_t parameters;
    uint32_t results;
};

/* Needs of a module: declared by it, or of its instantiation. */
struct ocre_wamr_demand {
    /* Linear memory at the start, its own or imported, in bytes. */
    uint64_t memory_bytes;
    /* Bytes that memory.grow counts in, and the unit of maximum_pages. */
    uint32_t page_bytes;
    /* Elements of all tables together. */
    uint64_t table_elements;
};

/*
 * Answers a guest's call of host function `index`: 0 to go on, anything else to
 * end the guest. `memory` is the whole linear memory (NULL where there is none).
 * `arguments` holds one parameter in each of `count` elements, 32-bit ones
 * zero-extended; the result goes into the first. `count` is never 0.
 */
typedef int32_t (*ocre_wamr_call_handler)(void *context, uint32_t index,
                                          uint8_t *memory, size_t memory_bytes,
                                          uint64_t *arguments, uint32_t count);

/*
 * Starts the runtime; once per process, before anything else here. Memory comes
 * from `pool`, or from the system where that is NULL; there `pool_bytes` is most
 * of it on a PC, without the linear memories, and 0 no limit.
 */
int32_t ocre_wamr_start(void *pool, uint32_t pool_bytes,
                        ocre_wamr_call_handler handler);

/*
 * Makes `count` host functions of one import module known; the runtime keeps the
 * texts from then on, but not the array. To be called before any module is loaded.
 */
int32_t ocre_wamr_register(const char *module,
                           const struct ocre_wamr_native *natives,
                           uint32_t count);

/* Memory from the runtime's heap, zeroed and aligned for any type; NULL if none. */
void *ocre_wamr_allocate(uint32_t bytes);
/* The same, of any content. */
void *ocre_wamr_take(uint32_t bytes);
void ocre_wamr_free(void *memory);

/*
 * Loads wasm or AOT code. WAMR rewrites the bytes; afterwards they may be freed. AOT
 * code must be aligned to 8 bytes.
 */
int32_t ocre_wamr_load(uint8_t *code, uint32_t bytes, void **module,
                       char *text, uint32_t text_bytes);
void ocre_wamr_unload(void *module);

uint32_t ocre_wamr_imports(const void *module);
void ocre_wamr_import(const void *module, uint32_t index,
                      struct ocre_wamr_external *external);
uint32_t ocre_wamr_exports(const void *module);
void ocre_wamr_export(const void *module, uint32_t index,
                      struct ocre_wamr_external *external);
void ocre_wamr_demand(const void *module, struct ocre_wamr_demand *demand);

/*
 * Lays `bytes` of linear memory behind what the module declares, for the host, in
 * every instance made from now on. `address` becomes its address; returns 0
 * where the module has no memory or it can't be larger. To be called once for a
 * module.
 */
int32_t ocre_wamr_add_room(void *module, uint32_t bytes, uint32_t *address);

/*
 * Instantiates without running any guest code. Linear memory never grows past
 * `maximum_pages`. `stack_bytes` is for interpreted frames. Of the calling
 * thread's own stack, `reserve_bytes` are kept for host functions; a guest that
 * would eat into them traps. `context` goes to the call handler.
 */
int32_t ocre_wamr_instantiate(void *module, uint32_t maximum_pages,
                              uint32_t stack_bytes, uint32_t reserve_bytes,
                              void *context, void **instance,
                              char *text, uint32_t text_bytes);
void ocre_wamr_deinstantiate(void *instance);

/* Frees the data that the instance's memory began with. No other instance of the
 * module is made after that. */
void ocre_wamr_free_data(void *instance);

/*
 * Runs the module's start function, if it has one. A module is not usable before.
 * `budget` as below.
 */
int32_t ocre_wamr_run_start(void *instance, int32_t budget);

/*
 * Calls a function of the module's own by index. It takes no parameters;
 * `results` has room for `result_cells` 32-bit cells of results. An interpreted
 * call traps after `budget` instructions, unless that is negative.
 */
int32_t ocre_wamr_call(void *instance, uint32_t function, int32_t budget,
                       uint32_t *results, uint32_t result_cells);

/* WAMR's text for the exception that ended the last call, or "". */
const char *ocre_wamr_exception(const void *instance);

/*
 * Makes a guest end at its next check, from any thread, any number of times, also
 * one that is held there.
 * The caller sees to it that the instance is there, and holds the mutex of the two
 * functions below, which is only ever held for an instant; so for the next two.
 */
void ocre_wamr_interrupt(void *instance);

/*
 * Holds a guest at its next check, or lets it go on. Checks are at loops and calls,
 * before and after each host call, and at the end of each call from here.
 */
void ocre_wamr_suspend(void *instance, int32_t held);

/* Bytes of linear memory that a guest has at the moment; UINT32_MAX for 4 GiB. */
uint32_t ocre_wamr_memory_bytes(const void *instance);
void ocre_wamr_lock(void);
void ocre_wamr_unlock(void);

#ifdef __cplusplus
}
#endif

#endif
