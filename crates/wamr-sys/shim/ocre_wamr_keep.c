/* SPDX-License-Identifier: Apache-2.0 */
#include "ocre_wamr_keep.h"

#include <string.h>

#include "ocre_wamr.h"

#if WASM_ENABLE_AOT != 0

/* Memory for copies; NULL while they are only counted. */
struct copies {
    uint8 *memory;
    uint32 bytes;
};

/* Copies a part of the file that a module points to. All are within the file, whose size
 * has 32 bits. */
static void
copy(struct copies *copies, uint8 **at, uint32 bytes)
{
    if (copies->memory) {
        memcpy(copies->memory + copies->bytes, *at, bytes);
        *at = copies->memory + copies->bytes;
    }
    copies->bytes += bytes;
}

static void
copy_text(struct copies *copies, char **at)
{
    if (*at)
        copy(copies, (uint8 **)at, (uint32)strlen(*at) + 1);
}

static void
copy_all(AOTModule *module, struct copies *parts, struct copies *data)
{
    uint32 i;

    parts->bytes = data->bytes = 0;
    for (i = 0; i < module->import_func_count; i++) {
        copy_text(parts, &module->import_funcs[i].module_name);
        copy_text(parts, &module->import_funcs[i].func_name);
    }
    for (i = 0; i < module->import_global_count; i++) {
        copy_text(parts, &module->import_globals[i].module_name);
        copy_text(parts, &module->import_globals[i].global_name);
    }
    for (i = 0; i < module->export_count; i++)
        copy_text(parts, &module->exports[i].name);
    for (i = 0; i < module->mem_init_data_count; i++) {
        AOTMemInitData *segment = module->mem_init_data_list[i];

        copy(segment->is_passive ? parts : data, &segment->bytes,
             segment->byte_count);
    }
    for (i = 0; i < module->data_section_count; i++)
        copy_text(parts, &module->data_sections[i].name);
}

bool
ocre_wamr_keep(AOTModule *module, struct ocre_wamr_kept *kept)
{
    struct copies parts = { NULL, 0 }, data = { NULL, 0 };

    copy_all(module, &parts, &data);
    parts.memory = kept->parts = ocre_wamr_take(parts.bytes);
    data.memory = kept->data = ocre_wamr_take(data.bytes);
    if (!parts.memory || !data.memory)
        return false;
    copy_all(module, &parts, &data);
    return true;
}
#endif

void
ocre_wamr_keep_free(struct ocre_wamr_kept *kept)
{
    ocre_wamr_free(kept->parts);
    ocre_wamr_free(kept->data);
}
