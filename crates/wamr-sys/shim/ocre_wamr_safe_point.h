/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before every source of WAMR's, and by the shim: turns the places where
 * WAMR looks for a kill into safe points, where a guest can be held too.
 *
 * WAMR 2.4.3 has a flag that suspends a guest, and its fast interpreter takes no
 * notice of it. So its header of suspend flags is replaced by this one: a
 * reader of a guest's flags waits there while the guest is held. AOT code asks
 * through the one function that it can call for this, aot_set_exception_with_id(),
 * with a number that is no exception's.
 */
#include "ocre_wamr_const_expr.h"
#include "ocre_wamr_words.h"

#if !defined(_WASM_SUSPEND_FLAGS_H) && !defined(__ASSEMBLER__)
#define _WASM_SUSPEND_FLAGS_H

#include <stdint.h>

#define WASM_SUSPEND_FLAG_TERMINATE  0x1u
#define WASM_SUSPEND_FLAG_SUSPEND    0x2u
#define WASM_SUSPEND_FLAG_BREAKPOINT 0x4u
#define WASM_SUSPEND_FLAG_EXIT       0x8u
#define WASM_SUSPEND_FLAG_BLOCKING   0x10u
#define WASM_SUSPEND_FLAG_INHERIT_MASK (~WASM_SUSPEND_FLAG_BLOCKING)

typedef union WASMSuspendFlags {
    uint32_t flags;
    uintptr_t padding;
} WASMSuspendFlags;

/* Waits while the guest of these flags is held, and returns its flags then. */
uint32_t
ocre_wamr_hold(WASMSuspendFlags *flags);

static inline uint32_t
ocre_wamr_safe_point(WASMSuspendFlags *flags)
{
    uint32_t set = __atomic_load_n(&flags->flags, __ATOMIC_SEQ_CST);

    return __builtin_expect(set != 0, 0) ? ocre_wamr_hold(flags) : set;
}

#define WASM_SUSPEND_FLAGS_IS_ATOMIC 1
#define WASM_SUSPEND_FLAGS_GET(flags) ocre_wamr_safe_point(&(flags))
#define WASM_SUSPEND_FLAGS_FETCH_OR(suspend, set) \
    __atomic_fetch_or(&(suspend).flags, (set), __ATOMIC_SEQ_CST)
#define WASM_SUSPEND_FLAGS_FETCH_AND(suspend, set) \
    __atomic_fetch_and(&(suspend).flags, (set), __ATOMIC_SEQ_CST)
#define WASM_SUSPEND_FLAGS_LOCK(lock) (void)0
#define WASM_SUSPEND_FLAGS_UNLOCK(lock) (void)0

/* Number by which AOT code asks for a hold; it passes the exec_env instead of an
 * instance then. */
#define OCRE_WAMR_HOLD 0x6f637265u

/* What AOT code calls is the shim's, by WAMR's name, in the loader's table; where
 * WAMR defines or calls it, it has another name. */
void
aot_set_exception_with_id(void *subject, uint32_t id);
#define aot_set_exception_with_id(subject, id) ocre_wamr_raise(subject, id)

#endif
