/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTHER_LANGUAGE_H_
#define OTHER_LANGUAGE_H_

#ifdef __cplusplus
extern "C" {
#endif

/* Number of containers, counted in C++. */
int other_language_count(void);

#ifdef __cplusplus
}
#endif

#endif
