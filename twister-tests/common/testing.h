/* SPDX-License-Identifier: Apache-2.0 */
/* What CONFIG_OCRE_TEST adds to the runtime. */
#ifndef SUITE_TESTING_H
#define SUITE_TESTING_H

#include <stdint.h>

/* The parts of the conformance suite that each port must pass. */
#define CONFORMANCE_STORAGE 0u
/* Leaves files behind, */
#define CONFORMANCE_BEFORE_RESTART 1u
/* which are looked at, and removed, after the partition was mounted anew. */
#define CONFORMANCE_AFTER_RESTART 2u
#define CONFORMANCE_CLOCK 3u
#define CONFORMANCE_ENTROPY 4u
/* While no container runs. */
#define CONFORMANCE_THREADS 5u
/* Of led0 and sw0, which nothing drives and no container has. */
#define CONFORMANCE_GPIO 6u
#define CONFORMANCE_SENSORS 7u

/* 0, or the promise that is not kept is in `failure`, which has OCRE_TEXT_BYTES. */
int ocre_test_conformance(uint32_t part, char *failure);

/* 64 hex digits and NUL. */
void ocre_test_sha256(const uint8_t *bytes, uint32_t count, char *hex);

#endif
