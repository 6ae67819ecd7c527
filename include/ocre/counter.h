/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Counter that the application gives the runtime, with CONFIG_OCRE_SEQUENCE_COUNTER.
 *
 * The runtime records the highest sequence of an image that has worked on the partition, where an
 * old content of the whole partition takes the number back. A number in memory that only grows,
 * such as that of a secure element, stays. The application implements both functions; the runtime calls them from any thread
 * and one at a time.
 */
#ifndef OCRE_COUNTER_H_
#define OCRE_COUNTER_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a name: the SHA-256 of an image's name without its tag. */
#define OCRE_COUNTER_NAME_BYTES 32

/**
 * @brief Reads the number of a name.
 *
 * @param number Becomes the number, 0 where there is none.
 * @retval 0 The number was read.
 * @return A negative number on an error: no image of that name starts.
 */
int ocre_counter_read(const uint8_t *name, uint64_t *number);

/**
 * @brief Raises the number of a name.
 *
 * @param number Larger than the present number, at most 2^53 - 1.
 * @retval 0 The number is kept.
 * @return A negative number on an error, which the runtime logs.
 */
int ocre_counter_raise(const uint8_t *name, uint64_t number);

#ifdef __cplusplus
}
#endif

#endif
