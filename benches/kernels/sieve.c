/* SPDX-License-Identifier: Apache-2.0 */
/* Counts primes: byte stores with a stride that the loop decides. */
#include "kernel.h"

#define LIMIT 400000u

static uint8_t composite[LIMIT];

uint32_t
run(uint32_t rounds)
{
    uint32_t primes = 0;

    while (rounds-- > 0) {
        for (uint32_t i = 0; i < LIMIT; i++)
            composite[i] = 0;
        for (uint32_t i = 2; i < LIMIT; i++) {
            if (composite[i])
                continue;
            primes++;
            for (uint32_t j = i * 2; j < LIMIT; j += i)
                composite[j] = 1;
        }
    }
    return primes;
}
