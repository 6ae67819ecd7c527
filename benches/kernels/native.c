/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel as a native program: runs a number of rounds, a number of times, and
 * prints its checksum and the nanoseconds of the fastest time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernel.h"

static uint64_t
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int
main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    int times = argc > 2 ? atoi(argv[2]) : 1;
    uint64_t best = UINT64_MAX;
    uint32_t checksum = 0;

    while (times-- > 0) {
        uint64_t start = now();

        checksum = run(rounds);
        uint64_t taken = now() - start;
        if (taken < best)
            best = taken;
    }
    printf("%u %llu\n", checksum, (unsigned long long)best);
    return 0;
}
