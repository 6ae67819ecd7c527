/* SPDX-License-Identifier: Apache-2.0 */
/* Escape times in the complex plane: a float loop that exits early. */
#include "kernel.h"

#define SIDE 64
#define LIMIT 200

uint32_t
run(uint32_t rounds)
{
    uint32_t sum = 0;

    while (rounds-- > 0)
        for (int py = 0; py < SIDE; py++)
            for (int px = 0; px < SIDE; px++) {
                double cx = px * 3.0 / SIDE - 2, cy = py * 2.0 / SIDE - 1;
                double x = 0, y = 0;
                int i = 0;
                while (i < LIMIT && x * x + y * y <= 4) {
                    double t = x * x - y * y + cx;
                    y = 2 * x * y + cy;
                    x = t;
                    i++;
                }
                sum += (uint32_t)i;
            }
    return sum;
}
