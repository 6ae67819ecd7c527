/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUITE_REBOOT_H
#define SUITE_REBOOT_H

/* Does not return. On a board its CPU is reset; the simulator's process becomes a new
 * one of the same program, in which nothing is left of this one but its flash file. */
void suite_reboot(void);

#endif
