/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts and read errors of the flash: the linker wraps the functions of the flash map. */
#ifndef FORMAT_POWER_H
#define FORMAT_POWER_H

#include <stdbool.h>
#include <stdint.h>

/* Cuts the power at the write or erase with that number, from 0: half of it is done. Everything
 * after it fails until power_on().
 */
void power_cut_at(uint32_t operation);

/* Ends the cut, or the read errors. Returns true if the cut's operation was reached. */
bool power_on(void);

/* Lets each read fail until power_on(). */
void reads_fail(void);

#endif
