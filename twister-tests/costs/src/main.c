/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creates and starts a container of each guest, interpreted and compiled, and prints its
 * instructions and memory: `costs: GUEST KIND NAME VALUE`. On the emulated boards each
 * instruction takes the same time of the virtual clock.
 */
#include "steps.h"

#include <ocre/ocre.h>

#include <stdlib.h>
#include <string.h>

static const char *const guests[] = {"bare", "printf", "malloc"};

static uint32_t instructions(uint32_t cycles)
{
	return (uint32_t)((uint64_t)cycles * NSEC_PER_SEC / sys_clock_hw_cycles_per_sec() >>
			  CONFIG_QEMU_ICOUNT_SHIFT);
}

static void row(const char *guest, const char *kind, const char *name, uint32_t value)
{
	printk("costs: %s %s %s %u\n", guest, kind, name, value);
}

static void span(const char *guest, const char *kind, const char *name, enum point from,
		 enum point to)
{
	char text[40];

	row(guest, kind, name, instructions(passages[to].cycles - passages[from].cycles));
	snprintk(text, sizeof(text), "%s.storage", name);
	row(guest, kind, text,
	    instructions(passages[to].storage_cycles - passages[from].storage_cycles));
	snprintk(text, sizeof(text), "%s.storage_calls", name);
	row(guest, kind, text, passages[to].storage_calls - passages[from].storage_calls);
}

struct search {
	const char *name;
	size_t used;
};

static void measure_stack(const struct k_thread *thread, void *context)
{
	struct search *search = context;
	const char *name = k_thread_name_get((k_tid_t)thread);
	size_t unused;

	if (name != NULL && strcmp(name, search->name) == 0 &&
	    k_thread_stack_space_get(thread, &unused) == 0) {
		search->used = thread->stack_info.size - unused;
	}
}

static void check(int error, const char *step, const char *text)
{
	if (error != 0) {
		printk("costs: failed at %s: %d %s\n", step, error, text);
		exit(1);
	}
}

/* Creates a container of the image that was judged last. */
static void measure_again(const char *guest, const char *kind, const struct ocre_options *options)
{
	char text[OCRE_TEXT_BYTES] = "";
	ocre_container_t container;

	steps_reset();
	steps_pass(POINT_COMMAND);
	check(ocre_create(guest, options, &container, text), "create", text);
	steps_pass(POINT_CREATED);
	span(guest, kind, "create.judged", POINT_COMMAND, POINT_CREATED);
	check(ocre_remove(container, 0), "remove", "");
}

static void measure(const char *guest, const char *kind, uint32_t flags)
{
	struct ocre_options options = {.name = "measured",
				       .flags = flags | OCRE_ATTACHED | OCRE_TEMPORARY};
	struct search search = {.name = "measured"};
	char text[OCRE_TEXT_BYTES] = "";
	ocre_container_t container;
	uint32_t before = heap_used();

	steps_reset();
	heap_reset();
	steps_pass(POINT_COMMAND);
	check(ocre_create(guest, &options, &container, text), "create", text);
	steps_pass(POINT_CREATED);
	check(ocre_start(container), "start", "");
	check(k_sem_take(&line_printed, K_SECONDS(60)), "line", "");
	/* Until the guest sleeps. */
	k_msleep(50);

	span(guest, kind, "create", POINT_COMMAND, POINT_CREATED);
	span(guest, kind, "prepare", POINT_CREATED, POINT_READ);
	span(guest, kind, "read", POINT_READ, POINT_LOAD);
	span(guest, kind, "load", POINT_LOAD, POINT_LOADED);
	span(guest, kind, "inspect", POINT_LOADED, POINT_INSTANTIATE);
	span(guest, kind, "instantiate", POINT_INSTANTIATE, POINT_INSTANTIATED);
	span(guest, kind, "enter", POINT_INSTANTIATED, POINT_GUEST);
	span(guest, kind, "guest", POINT_GUEST, POINT_LINE);
	span(guest, kind, "total", POINT_COMMAND, POINT_LINE);
	row(guest, kind, "heap.code", passages[POINT_LOAD].heap_bytes - before);
	row(guest, kind, "heap.module",
	    passages[POINT_LOADED].heap_bytes - passages[POINT_LOAD].heap_bytes);
	row(guest, kind, "heap.instance",
	    passages[POINT_INSTANTIATED].heap_bytes - passages[POINT_INSTANTIATE].heap_bytes);
	row(guest, kind, "heap", heap_used() - before);
	row(guest, kind, "heap.most", heap_most() - before);
	k_thread_foreach(measure_stack, &search);
	row(guest, kind, "stack", search.used);

	check(ocre_kill(container), "kill", "");
	check(ocre_wait(container, OCRE_FOREVER, NULL), "wait", "");
	check(ocre_remove(container, 0), "remove", "");
	measure_again(guest, kind, &options);
	/* Until the stack is given back. */
	k_msleep(50);
	if (heap_used() > before) {
		printk("costs: %s %s leaves %u bytes\n", guest, kind, heap_used() - before);
		exit(1);
	}
}

int main(void)
{
	uint32_t begin = k_cycle_get_32();

	check(ocre_init(), "init", "");
	row("-", "-", "init", instructions(k_cycle_get_32() - begin));
	row("-", "-", "heap", heap_used());
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		measure(guests[i], "wasm", OCRE_PREFER_PORTABLE);
		measure(guests[i], "aot", 0);
	}
	printk("costs: complete\n");
	return 0;
}
