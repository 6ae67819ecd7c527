/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAMR's platform on Zephyr.
 *
 * All memory is WAMR's own pool, which the firmware gives it. AOT code has a memory
 * of its own under an MPU (code_memory.h); elsewhere it is in the pool, and on the
 * simulator the PC gives its memory. Linear memories can have one of their own
 * (linear_memory.h). Guests have no threads of WAMR's: containers run on the
 * firmware's.
 */
#include "platform_api_extension.h"
#include "platform_api_vmcore.h"

#include <zephyr/cache.h>
#include <zephyr/sys/printk.h>

#include "code_memory.h"
#include "linear_memory.h"
#include "port.h"

#ifdef CONFIG_ARCH_POSIX
#include "exec_memory.h"
#endif

int bh_platform_init(void)
{
#ifdef OCRE_CODE_MEMORY
	ocre_code_memory_init();
#endif
#ifdef OCRE_LINEAR_MEMORY
	ocre_linear_memory_init();
#endif
	return 0;
}

void bh_platform_destroy(void)
{
}

/* The pool allocator leaves nothing to ask of the system. */
void *os_malloc(unsigned int size)
{
	ARG_UNUSED(size);
	return NULL;
}

void *os_realloc(void *memory, unsigned int size)
{
	ARG_UNUSED(memory);
	ARG_UNUSED(size);
	return NULL;
}

void os_free(void *memory)
{
	ARG_UNUSED(memory);
}

int os_vprintf(const char *format, va_list arguments)
{
	vprintk(format, arguments);
	return 0;
}

int os_printf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintk(format, arguments);
	va_end(arguments);
	return 0;
}

uint64 os_time_get_boot_us(void)
{
	return ocre_port_uptime_us();
}

uint64 os_time_thread_cputime_us(void)
{
	return ocre_port_uptime_us();
}

uint8 *os_thread_get_stack_boundary(void)
{
	return ocre_port_stack_boundary();
}

void os_thread_jit_write_protect_np(bool enabled)
{
	ARG_UNUSED(enabled);
}

korp_tid os_self_thread(void)
{
	return k_current_get();
}

/* -- memory ----------------------------------------------------------------- */

/* Bytes in front of a mapping that remember where it came from; they keep the
 * alignment that AOT data wants. */
#define HEADER_BYTES 16u
#define FROM_POOL 0u
#if defined(CONFIG_OCRE_AOT) && defined(CONFIG_ARCH_POSIX)
#define PC_MEMORY
#define FROM_PC 1u
#endif
#define FROM_LINEAR_MEMORY 2u

void *os_mmap(void *hint, size_t size, int prot, int flags, os_file_handle file)
{
	uint32_t *header;
	uint32_t origin = FROM_POOL;

	ARG_UNUSED(hint);
	ARG_UNUSED(flags);
	ARG_UNUSED(file);
	if (size > UINT32_MAX - HEADER_BYTES) {
		return NULL;
	}
#ifdef OCRE_CODE_MEMORY
	if ((prot & MMAP_PROT_EXEC) != 0) {
		return ocre_code_memory_get(size);
	}
#endif
	/* WAMR asks for linear memories alone without any access, and gives it to them later. */
#ifdef PC_MEMORY
	/* AOT code and its data, which the loader may put into one memory. */
	if (prot != MMAP_PROT_NONE) {
		origin = FROM_PC;
		header = ocre_exec_memory_get(size + HEADER_BYTES);
	} else
#endif
#ifdef OCRE_LINEAR_MEMORY
	if (prot == MMAP_PROT_NONE) {
		origin = FROM_LINEAR_MEMORY;
		header = ocre_linear_memory_get(size + HEADER_BYTES);
	} else
#endif
	{
		header = BH_MALLOC(size + HEADER_BYTES);
	}
	if (header == NULL) {
		return NULL;
	}
	memset(header, 0, size + HEADER_BYTES);
	header[0] = origin;
	return (uint8_t *)header + HEADER_BYTES;
}

void os_munmap(void *memory, size_t size)
{
	uint32_t *header = (uint32_t *)((uint8_t *)memory - HEADER_BYTES);

	ARG_UNUSED(size);
#ifdef OCRE_CODE_MEMORY
	if (ocre_code_memory_has(memory)) {
		ocre_code_memory_put(memory);
		return;
	}
#endif
#ifdef PC_MEMORY
	if (header[0] == FROM_PC) {
		ocre_exec_memory_put(header, size + HEADER_BYTES);
		return;
	}
#endif
#ifdef OCRE_LINEAR_MEMORY
	if (header[0] == FROM_LINEAR_MEMORY) {
		ocre_linear_memory_put(header);
		return;
	}
#endif
	BH_FREE(header);
}

void *os_mremap(void *memory, size_t old_size, size_t new_size)
{
#ifdef OCRE_LINEAR_MEMORY
	/* Of linear memories alone: the new one is where they are. */
	void *grown = os_mmap(NULL, new_size, MMAP_PROT_NONE, MMAP_MAP_NONE, 0);

	if (grown != NULL) {
		memcpy(grown, memory, MIN(old_size, new_size));
		os_munmap(memory, old_size);
	}
	return grown;
#else
	return os_mremap_slow(memory, old_size, new_size);
#endif
}

/* On a device memory is executable from its start or never. The loader asks at the
 * end of its writing to code. It also asks when it would move code beside its data,
 * which it need not. */
int os_mprotect(void *memory, size_t size, int prot)
{
	ARG_UNUSED(size);
#ifdef OCRE_CODE_MEMORY
	if ((prot & MMAP_PROT_EXEC) != 0) {
		if (!ocre_code_memory_has(memory)) {
			return -1;
		}
		ocre_code_memory_seal(memory);
	}
#else
	ARG_UNUSED(memory);
	ARG_UNUSED(prot);
#endif
	return 0;
}

void os_dcache_flush(void)
{
	(void)sys_cache_data_flush_all();
}

void os_icache_flush(void *start, size_t bytes)
{
	(void)sys_cache_instr_invd_range(start, bytes);
/* Not each CPU without AOT code has the instruction. */
#if defined(CONFIG_RISCV) && defined(CONFIG_OCRE_AOT)
	/* This hart fetches what it has written. */
	__asm__ volatile("fence.i" ::: "memory");
#endif
}

/* -- locks ------------------------------------------------------------------ */

int os_mutex_init(korp_mutex *mutex)
{
	return k_mutex_init(mutex) == 0 ? BHT_OK : BHT_ERROR;
}

int os_recursive_mutex_init(korp_mutex *mutex)
{
	return os_mutex_init(mutex);
}

int os_mutex_destroy(korp_mutex *mutex)
{
	ARG_UNUSED(mutex);
	return BHT_OK;
}

int os_mutex_lock(korp_mutex *mutex)
{
	return k_mutex_lock(mutex, K_FOREVER) == 0 ? BHT_OK : BHT_ERROR;
}

int os_mutex_unlock(korp_mutex *mutex)
{
	return k_mutex_unlock(mutex) == 0 ? BHT_OK : BHT_ERROR;
}

int os_cond_init(korp_cond *condition)
{
	return k_condvar_init(condition) == 0 ? BHT_OK : BHT_ERROR;
}

int os_cond_destroy(korp_cond *condition)
{
	ARG_UNUSED(condition);
	return BHT_OK;
}

int os_cond_wait(korp_cond *condition, korp_mutex *mutex)
{
	return k_condvar_wait(condition, mutex, K_FOREVER) == 0 ? BHT_OK : BHT_ERROR;
}

int os_cond_reltimedwait(korp_cond *condition, korp_mutex *mutex, uint64 useconds)
{
	k_timeout_t timeout = useconds == BHT_WAIT_FOREVER ? K_FOREVER : K_USEC(useconds);

	return k_condvar_wait(condition, mutex, timeout) == 0 ? BHT_OK : BHT_TIMED_OUT;
}

int os_cond_signal(korp_cond *condition)
{
	return k_condvar_signal(condition) == 0 ? BHT_OK : BHT_ERROR;
}

int os_cond_broadcast(korp_cond *condition)
{
	return k_condvar_broadcast(condition) >= 0 ? BHT_OK : BHT_ERROR;
}

/* -- threads: guests get none ------------------------------------------------ */

int os_thread_create(korp_tid *thread, thread_start_routine_t start, void *argument,
		     unsigned int stack_size)
{
	ARG_UNUSED(thread);
	ARG_UNUSED(start);
	ARG_UNUSED(argument);
	ARG_UNUSED(stack_size);
	return BHT_ERROR;
}

int os_thread_join(korp_tid thread, void **value)
{
	ARG_UNUSED(value);
	return k_thread_join(thread, K_FOREVER) == 0 ? BHT_OK : BHT_ERROR;
}

int os_thread_detach(korp_tid thread)
{
	ARG_UNUSED(thread);
	return BHT_OK;
}

void os_thread_exit(void *value)
{
	ARG_UNUSED(value);
	k_thread_abort(k_current_get());
}

int os_usleep(uint32 microseconds)
{
	k_usleep(microseconds);
	return 0;
}
