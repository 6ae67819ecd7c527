/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 of a buffer: table look-ups that depend on the data. */
#include "kernel.h"

#define SIZE 65536u

static uint32_t table[256];
static uint8_t buffer[SIZE];

uint32_t
run(uint32_t rounds)
{
    uint32_t state = 1, crc = 0;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t entry = i;
        for (int bit = 0; bit < 8; bit++)
            entry = entry & 1 ? (entry >> 1) ^ 0xedb88320u : entry >> 1;
        table[i] = entry;
    }
    for (uint32_t i = 0; i < SIZE; i++)
        buffer[i] = (uint8_t)next_random(&state);
    while (rounds-- > 0) {
        crc = ~crc;
        for (uint32_t i = 0; i < SIZE; i++)
            crc = table[(crc ^ buffer[i]) & 0xff] ^ (crc >> 8);
        crc = ~crc;
    }
    return crc;
}
