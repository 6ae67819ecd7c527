/* SPDX-License-Identifier: Apache-2.0 */
/* Multiplies matrices of doubles: three nested loops, strided loads. */
#include "kernel.h"

#define N 128

static double a[N][N], b[N][N], c[N][N];

uint32_t
run(uint32_t rounds)
{
    uint32_t state = 1;
    double trace = 0;

    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = next_random(&state) % 100;
            b[i][j] = next_random(&state) % 100;
        }
    while (rounds-- > 0) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double sum = 0;
                for (int k = 0; k < N; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
        for (int i = 0; i < N; i++)
            trace += c[i][i];
        a[rounds % N][rounds % N] += 1;
    }
    return (uint32_t)(int64_t)trace;
}
