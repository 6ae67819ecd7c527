/* SPDX-License-Identifier: Apache-2.0 */
#include "ocre_wamr_keep.h"

#include <string.h>

#include "wasm_export.h"

#if WASM_ENABLE_AOT != 0

/* Part of a file that a module points to. */
struct part {
    uint8 **at;
    uint32 bytes;
    bool is_data;
};

typedef void (*part_visitor)(void *context, struct part part);

static void
visit_text(char **at, part_visitor visit, void *context)
{
    if (*at)
        visit(context, (struct part){ (uint8 **)at, (uint32)strlen(*at) + 1,
                                      false });
}

static void
visit_parts(AOTModule *module, part_visitor visit, void *context)
{
    uint32 i;

    for (i = 0; i < module->import_func_count; i++) {
        visit_text(&module->import_funcs[i].module_name, visit, context);
        visit_text(&module->import_funcs[i].func_name, visit, context);
    }
    for (i = 0; i < module->import_global_count; i++) {
        visit_text(&module->import_globals[i].module_name, visit, context);
        visit_text(&module->import_globals[i].global_name, visit, context);
    }
    for (i = 0; i < module->export_count; i++)
        visit_text(&module->exports[i].name, visit, context);
    for (i = 0; i < module->data_section_count; i++)
        visit_text(&module->data_sections[i].name, visit, context);
    for (i = 0; i < module->mem_init_data_count; i++) {
        AOTMemInitData *segment = module->mem_init_data_list[i];

        visit(context, (struct part){ &segment->bytes, segment->byte_count,
                                      !segment->is_passive });
    }
}

struct sizes {
    uint64 parts;
    uint64 data;
};

static void
measure(void *context, struct part part)
{
    struct sizes *sizes = context;

    *(part.is_data ? &sizes->data : &sizes->parts) += part.bytes;
}

struct places {
    uint8 *parts;
    uint8 *data;
};

static void
move(void *context, struct part part)
{
    struct places *places = context;
    uint8 **place = part.is_data ? &places->data : &places->parts;

    if (part.bytes == 0) {
        *part.at = NULL;
        return;
    }
    memcpy(*place, *part.at, part.bytes);
    *part.at = *place;
    *place += part.bytes;
}

/* False where there is no memory; a size of 0 needs none. */
static bool
allocate(uint64 bytes, void **memory)
{
    *memory = NULL;
    if (bytes == 0)
        return true;
    if (bytes <= UINT32_MAX)
        *memory = wasm_runtime_malloc((uint32)bytes);
    return *memory != NULL;
}

bool
ocre_wamr_keep(AOTModule *module, struct ocre_wamr_kept *kept)
{
    struct sizes sizes = { 0, 0 };
    struct places places;

    visit_parts(module, measure, &sizes);
    if (!allocate(sizes.parts, &kept->parts)
        || !allocate(sizes.data, &kept->data)) {
        ocre_wamr_keep_free(kept);
        return false;
    }
    places.parts = kept->parts;
    places.data = kept->data;
    visit_parts(module, move, &places);
    return true;
}
#endif

void
ocre_wamr_keep_free(struct ocre_wamr_kept *kept)
{
    if (kept->parts)
        wasm_runtime_free(kept->parts);
    if (kept->data)
        wasm_runtime_free(kept->data);
    kept->parts = kept->data = NULL;
}
