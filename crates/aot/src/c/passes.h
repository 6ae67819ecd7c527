/* SPDX-License-Identifier: Apache-2.0 */
/* What the shim tells the optimiser; set before each compilation. */
#ifndef OCRE_AOT_PASSES_H
#define OCRE_AOT_PASSES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ocre_aot_passes {
    uint32_t kill_checks;
};

extern struct ocre_aot_passes ocre_aot_passes;

/* Whether LLVM knows that CPU of that architecture; it aborts on some that it
   does not know. */
int32_t
ocre_aot_knows_cpu(const char *arch, const char *cpu);

#ifdef __cplusplus
}
#endif

#endif
