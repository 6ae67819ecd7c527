/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts integers: recursion, and loops whose end only the data knows. */
#include "kernel.h"

#define COUNT 100000

static uint32_t values[COUNT];

static void
sort(uint32_t *v, int32_t low, int32_t high)
{
    while (low < high) {
        uint32_t pivot = v[low + (high - low) / 2];
        int32_t i = low, j = high;

        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                uint32_t swap = v[i];
                v[i++] = v[j];
                v[j--] = swap;
            }
        }
        sort(v, low, j);
        low = i;
    }
}

uint32_t
run(uint32_t rounds)
{
    uint32_t state = 1, sum = 0;

    while (rounds-- > 0) {
        for (int32_t i = 0; i < COUNT; i++)
            values[i] = next_random(&state);
        sort(values, 0, COUNT - 1);
        for (int32_t i = 0; i < COUNT; i += 1000)
            sum = sum * 31 + values[i];
    }
    return sum;
}
