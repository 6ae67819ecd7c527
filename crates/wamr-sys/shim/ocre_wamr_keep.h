/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of the parts of a file that WAMR reads after the load, so that the bytes of
 * the file can be freed. For AOT files WAMR 2.4.3 has nothing that works: it takes the
 * data of segments for its own copies only once it has made them point into the file.
 */
#ifndef OCRE_WAMR_KEEP_H
#define OCRE_WAMR_KEEP_H

#include <stdbool.h>

#include "../aot/aot_runtime.h"

struct ocre_wamr_kept {
    /* Names, and the data of passive segments, until the module is unloaded. */
    void *parts;
    /* Data of active segments, until an instance has it. */
    void *data;
};

/* Copies what an AOT module points to in its file. False where there is no memory; then the
 * module can only be unloaded. */
bool ocre_wamr_keep(AOTModule *module, struct ocre_wamr_kept *kept);

void ocre_wamr_keep_free(struct ocre_wamr_kept *kept);

#endif
