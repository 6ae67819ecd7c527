/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread and semaphore for each container that may run. A container's stack is in the
 * heap of the engine while its thread exists: no stack lies idle, and a container takes
 * what its limits say.
 */
#include "ocre_wamr.h"
#include "port.h"

#include <ocre/ocre.h>

#include <string.h>
#include <zephyr/init.h>
#include <zephyr/kernel.h>
#ifdef CONFIG_OCRE_TASK_WDT
#include <zephyr/task_wdt/task_wdt.h>
#endif

/* The containers' and, as the last one, the supervisor's. */
#define WATCHDOG CONFIG_OCRE_CONTAINERS
#define SLOTS (CONFIG_OCRE_CONTAINERS + 1)
#define WATCHDOG_PRIORITY MAX(CONFIG_OCRE_PRIORITY_FIRST - 1, K_HIGHEST_THREAD_PRIO)

/* Time after which an ended thread is looked at again, if it is on its way out. */
#define REAP_AGAIN K_MSEC(10)

/* Bytes of a stack in Zephyr's memory. The simulator's threads run on stacks of the PC's. */
#define STACK_BYTES(bytes) (IS_ENABLED(CONFIG_ARCH_POSIX) ? 1024 : (bytes))

static K_KERNEL_STACK_DEFINE(watchdog_stack, CONFIG_OCRE_WATCHDOG_STACK_SIZE);

static struct slot {
	struct k_thread thread;
	struct k_sem wake;
	bool used;
	/* Memory of the engine with the thread's stack; NULL for the watchdog's thread. */
	void *memory;
	/* True once the thread needs its stack only to end. */
	bool ended;
	/* Where this thread's stack began, and its size; only the simulator needs to be told. */
	uint8_t *top;
	uint32_t stack_bytes;
} slots[SLOTS];

/* Held while the memory of a stack is taken or given back. */
static K_MUTEX_DEFINE(stacks_lock);

static K_MUTEX_DEFINE(change_lock);
static K_CONDVAR_DEFINE(changed);
static uint32_t changes;

static struct k_spinlock listener_lock;
static void (*listener)(void *context);
static void *listener_context;

static int prepare(void)
{
	for (int i = 0; i < SLOTS; i++) {
		k_sem_init(&slots[i].wake, 0, 1);
	}
	return 0;
}

SYS_INIT(prepare, PRE_KERNEL_2, 0);

/* A time of waiting until `until_us` of uptime. Its division is large, so it is here once. */
static k_timeout_t until(uint64_t until_us)
{
	uint64_t now = ocre_port_uptime_us();

	if (until_us == OCRE_PORT_NEVER) {
		return K_FOREVER;
	}
	return until_us > now ? K_USEC(until_us - now) : K_NO_WAIT;
}

/* Gives the stacks of ended threads back. True where a thread is still on its way out. The caller
 * has the lock. */
static bool reap_ended(void)
{
	bool again = false;

	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &slots[i];

		if (slot->memory == NULL || !slot->ended) {
			continue;
		}
		if (k_thread_join(&slot->thread, K_NO_WAIT) == 0) {
			ocre_wamr_free(slot->memory);
			slot->memory = NULL;
		} else {
			again = true;
		}
	}
	return again;
}

static void reap(struct k_work *work)
{
	bool again;

	k_mutex_lock(&stacks_lock, K_FOREVER);
	again = reap_ended();
	k_mutex_unlock(&stacks_lock);
	if (again) {
		(void)k_work_schedule(k_work_delayable_from_work(work), REAP_AGAIN);
	}
}

static K_WORK_DELAYABLE_DEFINE(reaper, reap);

static void run(void *number, void *unused1, void *unused2)
{
	uint32_t slot = POINTER_TO_UINT(number);

	ARG_UNUSED(unused1);
	ARG_UNUSED(unused2);
	slots[slot].top = __builtin_frame_address(0);
	ocre_thread_main(slot);
	if (slot != WATCHDOG) {
		slots[slot].ended = true;
		(void)k_work_schedule(&reaper, K_NO_WAIT);
	}
}

/* Stack of a container's thread, in memory of the engine; NULL where there is none. The slot's
 * earlier thread has ended. */
static k_thread_stack_t *take_stack(struct slot *slot, uint32_t bytes)
{
	const size_t object = ROUND_UP(Z_KERNEL_STACK_SIZE_ADJUST(bytes), Z_KERNEL_STACK_OBJ_ALIGN);

	k_mutex_lock(&stacks_lock, K_FOREVER);
	/* Also where the application's own work holds the system's work queue. */
	(void)reap_ended();
	slot->memory = ocre_wamr_take(object + Z_KERNEL_STACK_OBJ_ALIGN - 1);
	slot->ended = false;
	k_mutex_unlock(&stacks_lock);
	return slot->memory == NULL
		       ? NULL
		       : (k_thread_stack_t *)ROUND_UP((uintptr_t)slot->memory,
						      Z_KERNEL_STACK_OBJ_ALIGN);
}

int32_t ocre_port_spawn(uint32_t number, const uint8_t *name, uint32_t name_bytes,
			uint32_t stack_bytes, uint32_t priority)
{
	k_thread_stack_t *stack;
	struct slot *slot;
	int urgency;

	if (number > WATCHDOG || stack_bytes > CONFIG_OCRE_THREAD_STACK_SIZE) {
		return 0;
	}
	slot = &slots[number];
	if (slot->used) {
		k_thread_join(&slot->thread, K_FOREVER);
	}
	if (number == WATCHDOG) {
		stack = watchdog_stack;
		stack_bytes = K_KERNEL_STACK_SIZEOF(watchdog_stack);
		urgency = WATCHDOG_PRIORITY;
	} else {
		stack = take_stack(slot, STACK_BYTES(stack_bytes));
		urgency = MIN(CONFIG_OCRE_PRIORITY_FIRST + (int)MIN(priority, 255u),
			      CONFIG_OCRE_PRIORITY_LAST);
	}
	if (stack == NULL) {
		slot->used = false;
		return 0;
	}
	slot->used = true;
	slot->stack_bytes = stack_bytes;
	k_sem_reset(&slot->wake);
	k_thread_create(&slot->thread, stack, STACK_BYTES(stack_bytes), run,
			UINT_TO_POINTER(number), NULL, NULL, urgency, 0, K_FOREVER);
	if (IS_ENABLED(CONFIG_THREAD_NAME)) {
		char text[CONFIG_THREAD_MAX_NAME_LEN];
		size_t length = MIN(name_bytes, sizeof(text) - 1);

		memcpy(text, name, length);
		text[length] = '\0';
		(void)k_thread_name_set(&slot->thread, text);
	}
#ifdef CONFIG_TIMESLICE_PER_THREAD
	if (number != WATCHDOG) {
		k_thread_time_slice_set(&slot->thread, k_ms_to_ticks_ceil32(CONFIG_OCRE_TIME_SLICE),
					NULL, NULL);
	}
#endif
	k_thread_start(&slot->thread);
	return 1;
}

uint64_t ocre_port_computed_us(uint32_t number)
{
#ifdef CONFIG_THREAD_RUNTIME_STATS
	k_thread_runtime_stats_t stats;

	if (number < SLOTS && slots[number].used &&
	    k_thread_runtime_stats_get(&slots[number].thread, &stats) == 0) {
		return k_cyc_to_us_floor64(stats.execution_cycles);
	}
#else
	ARG_UNUSED(number);
#endif
	return UINT64_MAX;
}

#ifdef CONFIG_OCRE_TASK_WDT
uint32_t ocre_port_beat(void)
{
	/* The supervisor's thread alone comes here, after ocre_init(). */
	static int channel = -1;

	if (channel < 0) {
		channel = task_wdt_add(CONFIG_OCRE_TASK_WDT_PERIOD, NULL, NULL);
	}
	if (channel >= 0) {
		(void)task_wdt_feed(channel);
	}
	return CONFIG_OCRE_TASK_WDT_PERIOD * 1000u / 2u;
}
#endif

int32_t ocre_port_sleep(uint32_t slot, uint64_t until_us)
{
	k_timeout_t timeout = until(until_us);

	if (slot >= SLOTS) {
		return 0;
	}
	if (K_TIMEOUT_EQ(timeout, K_NO_WAIT)) {
		k_yield();
	}
	return k_sem_take(&slots[slot].wake, timeout) == 0;
}

void ocre_port_wake(uint32_t slot)
{
	if (slot < SLOTS) {
		k_sem_give(&slots[slot].wake);
	}
}

uint32_t ocre_port_await_change(uint32_t seen, uint64_t until_us)
{
	uint32_t now;

	k_mutex_lock(&change_lock, K_FOREVER);
	while (changes == seen && k_condvar_wait(&changed, &change_lock, until(until_us)) == 0) {
	}
	now = changes;
	k_mutex_unlock(&change_lock);
	return now;
}

void ocre_port_announce(void)
{
	void (*call)(void *context);
	void *context;
	k_spinlock_key_t key;

	k_mutex_lock(&change_lock, K_FOREVER);
	changes++;
	k_condvar_broadcast(&changed);
	k_mutex_unlock(&change_lock);

	key = k_spin_lock(&listener_lock);
	call = listener;
	context = listener_context;
	k_spin_unlock(&listener_lock, key);
	if (call != NULL) {
		call(context);
	}
}

void ocre_on_change(void (*call)(void *context), void *context)
{
	k_spinlock_key_t key = k_spin_lock(&listener_lock);

	listener = call;
	listener_context = context;
	k_spin_unlock(&listener_lock, key);
}

uint8_t *ocre_port_stack_boundary(void)
{
	const k_tid_t self = k_current_get();

	if (!IS_ENABLED(CONFIG_ARCH_POSIX)) {
		return (uint8_t *)self->stack_info.start;
	}
	/* The stacks of the PC's are larger than what was asked for: keep guests to that. */
	for (int i = 0; i < SLOTS; i++) {
		if (self == &slots[i].thread) {
			return slots[i].top - slots[i].stack_bytes;
		}
	}
	return NULL;
}
