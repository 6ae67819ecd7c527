/* SPDX-License-Identifier: Apache-2.0 */
/* Fibonacci numbers by recursion: nothing but calls. */
#include "kernel.h"

static uint32_t
fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

uint32_t
run(uint32_t rounds)
{
    uint32_t sum = 0;

    while (rounds-- > 0)
        sum += fib(25 + (rounds & 1));
    return sum;
}
