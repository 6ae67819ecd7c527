/* SPDX-License-Identifier: Apache-2.0 */
/* What the shim asks of the optimiser. */
#ifndef OCRE_AOT_OPTIMISE_H
#define OCRE_AOT_OPTIMISE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What WAMR's options and answers have no room for. Set before each compilation. */
struct ocre_aot_optimise {
    uint32_t kill_checks;
    uint32_t kill_proof;
    /* An answer: what could not be proven; empty if all was. */
    char unproven[160];
};

extern struct ocre_aot_optimise ocre_aot_optimise;

/* Whether LLVM knows that CPU of that architecture; it aborts on some that it
   does not know. */
int32_t
ocre_aot_knows_cpu(const char *arch, const char *cpu);

#ifdef __cplusplus
}
#endif

#endif
