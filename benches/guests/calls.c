/* SPDX-License-Identifier: Apache-2.0 */
/* Calls a cheap host function, with two pointers to be checked, CALLS times. */
#include <stdint.h>

__attribute__((import_module("wasi_snapshot_preview1"), import_name("args_sizes_get"))) int
sizes(uint32_t *count, uint32_t *bytes);

__attribute__((export_name("_start"))) void
start(void)
{
    static volatile uint32_t sum;
    uint32_t count = 0, bytes = 0;

    for (uint32_t i = 0; i < CALLS; i++) {
        if (sizes(&count, &bytes) != 0)
            __builtin_trap();
        sum += count;
    }
}
