/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bare WAMR: loads and instantiates a module so many times, as a C program that
 * embeds WAMR does it, and prints the nanoseconds of the fastest time.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wasm_export.h"

#define STACK_BYTES (64 * 1024)

static uint64_t
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint8_t *
read_file(const char *path, uint32_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;

    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *size = (uint32_t)ftell(file);
    rewind(file);
    bytes = malloc(*size);
    if (bytes && fread(bytes, 1, *size, file) != *size)
        bytes = NULL;
    fclose(file);
    return bytes;
}

/* Loads, instantiates and makes the environment that a call needs; 0 on failure. */
static uint64_t
start(uint8_t *code, uint32_t size)
{
    char error[128];
    uint64_t begin = now(), taken = 0;
    wasm_module_t module = wasm_runtime_load(code, size, error, sizeof(error));
    wasm_module_inst_t instance = NULL;
    wasm_exec_env_t environment = NULL;

    if (module)
        instance = wasm_runtime_instantiate(module, STACK_BYTES, 0, error, sizeof(error));
    if (instance)
        environment = wasm_runtime_create_exec_env(instance, STACK_BYTES);
    if (environment) {
        taken = now() - begin;
        wasm_runtime_destroy_exec_env(environment);
    }
    else
        fprintf(stderr, "%s\n", error);
    if (instance)
        wasm_runtime_deinstantiate(instance);
    if (module)
        wasm_runtime_unload(module);
    return taken;
}

int
main(int argc, char **argv)
{
    uint64_t best = UINT64_MAX;
    uint32_t size = 0;
    uint8_t *bytes = argc > 2 ? read_file(argv[1], &size) : NULL;
    int times = argc > 2 ? atoi(argv[2]) : 0;

    if (!bytes || !wasm_runtime_init())
        return 1;
    wasm_runtime_set_log_level(WASM_LOG_LEVEL_FATAL);
    while (times-- > 0) {
        /* WAMR changes and keeps what it loads. */
        uint8_t *code = malloc(size);
        uint64_t taken;

        if (!code)
            return 1;
        memcpy(code, bytes, size);
        taken = start(code, size);
        free(code);
        if (taken == 0)
            return 1;
        if (taken < best)
            best = taken;
    }
    printf("%llu\n", (unsigned long long)best);
    return 0;
}
