/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, stack and semaphore for each container that may run. */
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

static K_THREAD_STACK_ARRAY_DEFINE(stacks, CONFIG_OCRE_CONTAINERS,
				   CONFIG_OCRE_THREAD_STACK_SIZE);
static K_THREAD_STACK_DEFINE(watchdog_stack, CONFIG_OCRE_WATCHDOG_STACK_SIZE);

static struct slot {
	struct k_thread thread;
	struct k_sem wake;
	bool used;
	/* Where this thread's stack began; only the simulator needs to be told. */
	uint8_t *top;
} slots[SLOTS];

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

static void run(void *number, void *unused1, void *unused2)
{
	uint32_t slot = POINTER_TO_UINT(number);

	ARG_UNUSED(unused1);
	ARG_UNUSED(unused2);
	slots[slot].top = __builtin_frame_address(0);
	ocre_thread_main(slot);
}

int32_t ocre_port_spawn(uint32_t number, const uint8_t *name, uint32_t name_bytes,
			uint32_t stack_bytes, uint32_t priority)
{
	k_thread_stack_t *stack;
	struct slot *slot;
	size_t bytes;
	int urgency;

	if (number == WATCHDOG) {
		stack = watchdog_stack;
		bytes = K_THREAD_STACK_SIZEOF(watchdog_stack);
		urgency = WATCHDOG_PRIORITY;
	} else if (number < WATCHDOG && stack_bytes <= CONFIG_OCRE_THREAD_STACK_SIZE) {
		stack = stacks[number];
		bytes = K_THREAD_STACK_SIZEOF(stacks[number]);
		urgency = MIN(CONFIG_OCRE_PRIORITY_FIRST + (int)MIN(priority, 255u),
			      CONFIG_OCRE_PRIORITY_LAST);
	} else {
		return 0;
	}
	slot = &slots[number];
	if (slot->used) {
		k_thread_join(&slot->thread, K_FOREVER);
	}
	slot->used = true;
	k_sem_reset(&slot->wake);
	k_thread_create(&slot->thread, stack, bytes, run, UINT_TO_POINTER(number), NULL, NULL,
			urgency, 0, K_FOREVER);
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
	/* The simulator's threads run on stacks of the PC's, which are larger than
	 * what was asked for: keep guests to that. */
	for (int i = 0; i < SLOTS; i++) {
		if (self == &slots[i].thread) {
			return slots[i].top - CONFIG_OCRE_THREAD_STACK_SIZE;
		}
	}
	return NULL;
}
