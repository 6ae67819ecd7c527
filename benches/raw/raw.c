/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bare WAMR, as a C program that embeds it: does one task with a module TIMES
 * times, and prints the nanoseconds of the fastest time.
 *
 * raw start FILE TIMES   from the bytes to an instance
 * raw calls FILE TIMES   the run of _start, whose import is a native function
 * raw kill FILE TIMES    from terminating _start, on another thread, to its end
 * raw run FILE TIMES     a thread, on which an instance is made, runs and goes
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wasm_export.h"

#define STACK_BYTES (64 * 1024)
/* Time that a guest spins before it is killed. */
#define SPIN_NS 3000000

struct guest {
    uint8_t *code;
    wasm_module_t module;
    wasm_module_inst_t instance;
    wasm_exec_env_t environment;
};

static const uint8_t *bytes;
static uint32_t size;

static uint64_t
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint8_t *
read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *content;

    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    size = (uint32_t)ftell(file);
    rewind(file);
    content = malloc(size);
    if (content && fread(content, 1, size, file) != size)
        content = NULL;
    fclose(file);
    return content;
}

/* The same work as the runtime's function: two pointers checked, two numbers written. */
static int32_t
args_sizes_get(wasm_exec_env_t environment, uint32_t *count, uint32_t *length)
{
    wasm_module_inst_t instance = wasm_runtime_get_module_inst(environment);

    if (!wasm_runtime_validate_native_addr(instance, count, sizeof(*count))
        || !wasm_runtime_validate_native_addr(instance, length, sizeof(*length)))
        return 21;
    *count = 1;
    *length = 5;
    return 0;
}

static NativeSymbol natives[] = { { "args_sizes_get", args_sizes_get, "(**)i", NULL } };

/* From the bytes to an instance with the environment that a call needs. */
static bool
start(struct guest *guest)
{
    char error[128] = "out of memory";

    memset(guest, 0, sizeof(*guest));
    /* WAMR changes and keeps the bytes that it loads. */
    guest->code = malloc(size);
    if (guest->code) {
        memcpy(guest->code, bytes, size);
        guest->module = wasm_runtime_load(guest->code, size, error, sizeof(error));
    }
    if (guest->module)
        guest->instance =
            wasm_runtime_instantiate(guest->module, STACK_BYTES, 0, error, sizeof(error));
    if (guest->instance)
        guest->environment = wasm_runtime_create_exec_env(guest->instance, STACK_BYTES);
    if (!guest->environment)
        fprintf(stderr, "%s\n", error);
    return guest->environment != NULL;
}

static void
end(struct guest *guest)
{
    if (guest->environment)
        wasm_runtime_destroy_exec_env(guest->environment);
    if (guest->instance)
        wasm_runtime_deinstantiate(guest->instance);
    if (guest->module)
        wasm_runtime_unload(guest->module);
    free(guest->code);
}

static void
call(struct guest *guest)
{
    wasm_function_inst_t function = wasm_runtime_lookup_function(guest->instance, "_start");

    if (function)
        wasm_runtime_call_wasm(guest->environment, function, 0, NULL);
}

static void *
call_on_thread(void *guest)
{
    if (wasm_runtime_init_thread_env()) {
        call(guest);
        wasm_runtime_destroy_thread_env();
    }
    return NULL;
}

static void *
run_on_thread(void *unused)
{
    struct guest guest;

    if (wasm_runtime_init_thread_env()) {
        if (start(&guest))
            call(&guest);
        end(&guest);
        wasm_runtime_destroy_thread_env();
    }
    return unused;
}

static uint64_t
time_start(void)
{
    struct guest guest;
    uint64_t begin = now(), taken;
    bool started = start(&guest);

    taken = started ? now() - begin : 0;
    end(&guest);
    return taken;
}

static uint64_t
time_calls(void)
{
    struct guest guest;
    uint64_t taken = 0;

    if (start(&guest)) {
        uint64_t begin = now();

        call(&guest);
        if (!wasm_runtime_get_exception(guest.instance))
            taken = now() - begin;
    }
    end(&guest);
    return taken;
}

static uint64_t
time_kill(void)
{
    struct timespec spin = { 0, SPIN_NS };
    struct guest guest;
    uint64_t taken = 0;
    pthread_t thread;

    if (start(&guest) && pthread_create(&thread, NULL, call_on_thread, &guest) == 0) {
        uint64_t begin;

        nanosleep(&spin, NULL);
        begin = now();
        wasm_runtime_terminate(guest.instance);
        pthread_join(thread, NULL);
        taken = now() - begin;
    }
    end(&guest);
    return taken;
}

static uint64_t
time_run(void)
{
    uint64_t begin = now();
    pthread_t thread;

    if (pthread_create(&thread, NULL, run_on_thread, NULL) != 0)
        return 0;
    pthread_join(thread, NULL);
    return now() - begin;
}

static const struct {
    const char *name;
    uint64_t (*time)(void);
} tasks[] = {
    { "start", time_start },
    { "calls", time_calls },
    { "kill", time_kill },
    { "run", time_run },
};

int
main(int argc, char **argv)
{
    uint64_t (*task)(void) = NULL;
    uint64_t best = UINT64_MAX;

    for (size_t i = 0; argc == 4 && i < sizeof(tasks) / sizeof(tasks[0]); i++)
        if (strcmp(argv[1], tasks[i].name) == 0)
            task = tasks[i].time;
    bytes = task ? read_file(argv[2]) : NULL;
    if (!bytes || !wasm_runtime_init())
        return 1;
    wasm_runtime_set_log_level(WASM_LOG_LEVEL_FATAL);
    if (!wasm_runtime_register_natives("wasi_snapshot_preview1", natives, 1))
        return 1;
    for (int times = atoi(argv[3]); times > 0; times--) {
        uint64_t taken = task();

        if (taken == 0)
            return 1;
        if (taken < best)
            best = taken;
    }
    printf("%llu\n", (unsigned long long)best);
    return 0;
}
