/* SPDX-License-Identifier: Apache-2.0 */
/* Five bodies under gravity: doubles, division and square root. */
#include "kernel.h"

#define BODIES 5

struct body {
    double x, y, z, vx, vy, vz, mass;
};

static struct body bodies[BODIES];

static void
advance(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double squared = dx * dx + dy * dy + dz * dz;
            double scale = dt / (squared * __builtin_sqrt(squared));
            a->vx -= dx * b->mass * scale;
            a->vy -= dy * b->mass * scale;
            a->vz -= dz * b->mass * scale;
            b->vx += dx * a->mass * scale;
            b->vy += dy * a->mass * scale;
            b->vz += dz * a->mass * scale;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

uint32_t
run(uint32_t rounds)
{
    uint32_t state = 1;

    for (int i = 0; i < BODIES; i++) {
        bodies[i].x = next_random(&state) % 1000 / 10.0;
        bodies[i].y = next_random(&state) % 1000 / 10.0;
        bodies[i].z = next_random(&state) % 1000 / 10.0;
        bodies[i].vx = bodies[i].vy = bodies[i].vz = 0;
        bodies[i].mass = 1 + next_random(&state) % 100;
    }
    while (rounds-- > 0)
        for (int step = 0; step < 1000; step++)
            advance(0.001);
    return (uint32_t)(int32_t)(bodies[0].x * 1000);
}
