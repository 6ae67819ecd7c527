/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that the compilers of Rust and C call to change an atomic on a RISC-V CPU
 * without the A extension. Loads and stores are instructions there too. Such a CPU is
 * alone in its chip, so that nothing comes between two instructions while interrupts
 * are locked.
 */
#include <stdint.h>

#include <zephyr/kernel.h>

BUILD_ASSERT(!IS_ENABLED(CONFIG_SMP), "these functions are for one CPU");

/* GCC knows the names as its own, of other types: the compiler sees names of this file,
 * and the linker those after __asm__. Arguments may have any bits above those of the type.
 */
#define FETCH(type, bytes, name, change)                                                           \
	type ocre_fetch_##name##_##bytes(volatile type *atomic, uint32_t value)                    \
		__asm__("__sync_fetch_and_" #name "_" #bytes);                                     \
	type ocre_fetch_##name##_##bytes(volatile type *atomic, uint32_t value)                    \
	{                                                                                          \
		unsigned int key = irq_lock();                                                     \
		type old = *atomic;                                                                \
                                                                                                   \
		*atomic = (type)(change);                                                          \
		irq_unlock(key);                                                                   \
		return old;                                                                        \
	}

#define SWAP(type, bytes)                                                                          \
	type ocre_swap_##bytes(volatile type *atomic, uint32_t value)                              \
		__asm__("__sync_lock_test_and_set_" #bytes);                                       \
	type ocre_swap_##bytes(volatile type *atomic, uint32_t value)                              \
	{                                                                                          \
		unsigned int key = irq_lock();                                                     \
		type old = *atomic;                                                                \
                                                                                                   \
		*atomic = (type)value;                                                             \
		irq_unlock(key);                                                                   \
		return old;                                                                        \
	}

#define COMPARE_AND_SWAP(type, bytes)                                                              \
	type ocre_compare_and_swap_##bytes(volatile type *atomic, uint32_t expected,               \
					   uint32_t value)                                         \
		__asm__("__sync_val_compare_and_swap_" #bytes);                                    \
	type ocre_compare_and_swap_##bytes(volatile type *atomic, uint32_t expected,               \
					   uint32_t value)                                         \
	{                                                                                          \
		unsigned int key = irq_lock();                                                     \
		type old = *atomic;                                                                \
                                                                                                   \
		if (old == (type)expected) {                                                       \
			*atomic = (type)value;                                                     \
		}                                                                                  \
		irq_unlock(key);                                                                   \
		return old;                                                                        \
	}

#define ATOMIC(type, bytes)                                                                        \
	SWAP(type, bytes)                                                                          \
	COMPARE_AND_SWAP(type, bytes)                                                              \
	FETCH(type, bytes, add, old + value)                                                       \
	FETCH(type, bytes, sub, old - value)                                                       \
	FETCH(type, bytes, and, old & value)                                                       \
	FETCH(type, bytes, or, old | value)                                                        \
	FETCH(type, bytes, xor, old ^ value)

ATOMIC(uint8_t, 1)
ATOMIC(uint32_t, 4)

/* GCC's calls, for the flags of WAMR's threads, name the order too. A library of the
 * compiler or of the chip's maker may have them.
 */
#define WITH_ORDER(name)                                                                           \
	__weak uint32_t ocre_atomic_fetch_##name(volatile uint32_t *atomic, uint32_t value,        \
						 int order) __asm__("__atomic_fetch_" #name "_4"); \
	uint32_t ocre_atomic_fetch_##name(volatile uint32_t *atomic, uint32_t value, int order)    \
	{                                                                                          \
		ARG_UNUSED(order);                                                                 \
		return ocre_fetch_##name##_4(atomic, value);                                       \
	}

WITH_ORDER(and)
WITH_ORDER(or)
