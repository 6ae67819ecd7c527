/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives WAMR's compiler library for one module. Leaves nothing behind: no
 * file, no output on the console, no state that a later call can see.
 */
#include "shim.h"
#include "optimise.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aot_export.h"
#include "wasm_export.h"

/* Where WAMR would print: it announces each compilation and logs to stdout. */
int
ocre_aot_discard(const char *format, va_list args)
{
    (void)format;
    (void)args;
    return 0;
}

/* Stands in for getenv() (ld's --wrap): WAMR's compiler would otherwise run the programs
   that WAMRC_LLC_COMPILER and WAMRC_ASM_COMPILER name. */
char *
__wrap_getenv(const char *name)
{
    (void)name;
    return NULL;
}

/* WAMR's other C API is not built; the loader names this function of it. */
void
wasm_trap_delete(void *trap)
{
    (void)trap;
}

static void
say(char *message, uint32_t message_len, const char *text)
{
    if (message_len > 0)
        snprintf(message, message_len, "%s", text);
}

static const char *
last_error(void)
{
    static const char prefix[] = "Error: ";
    const char *text = aot_get_last_error();

    if (!text || !text[0])
        return "no reason given";
    if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
        text += sizeof(prefix) - 1;
    return text;
}

static int32_t
compile_module(wasm_module_t module, const struct ocre_aot_options *options,
               const char *stack_usage_path, uint8_t **out, uint32_t *out_len,
               char *message, uint32_t message_len)
{
    AOTCompOption option;
    aot_comp_data_t data;
    aot_comp_context_t context;
    int32_t status = OCRE_AOT_TARGET;

    memset(&option, 0, sizeof(option));
    option.target_arch = (char *)options->arch;
    option.target_abi = (char *)options->abi;
    option.target_cpu = (char *)options->cpu;
    option.cpu_features = (char *)options->features;
    option.opt_level = options->opt_level;
    option.size_level = options->code_model;
    option.output_format = AOT_FORMAT_FILE;
    option.bounds_checks = options->bounds_checks;
    option.stack_bounds_checks = options->stack_checks;
    option.stack_usage_file = stack_usage_path;
    option.enable_bulk_memory = true;
    option.enable_bulk_memory_opt = true;
    option.enable_ref_types = true;
    option.enable_call_indirect_overlong = true;
    option.enable_aux_stack_check = true;
    option.enable_extended_const = true;
    option.enable_tail_call = true;
    option.enable_thread_mgr = options->kill_checks != 0;
    aot_call_stack_features_init_default(&option.call_stack_features);
    ocre_aot_optimise.kill_checks = options->kill_checks;
    ocre_aot_optimise.kill_proof = options->kill_proof;
    ocre_aot_optimise.unproven[0] = '\0';

    if (!ocre_aot_knows_cpu(options->arch, options->cpu)) {
        snprintf(message, message_len, "LLVM knows no %s CPU called %s",
                 options->arch, options->cpu);
        return status;
    }
    data = aot_create_comp_data(module, options->arch, false);
    if (!data) {
        say(message, message_len, last_error());
        return status;
    }
    context = aot_create_comp_context(data, &option);
    if (context) {
        status = OCRE_AOT_CODEGEN;
        if (aot_compile_wasm(context)) {
            if (ocre_aot_optimise.unproven[0] != '\0')
                status = OCRE_AOT_UNPROVEN;
            else if ((*out = aot_emit_aot_file_buf(context, data, out_len)))
                status = OCRE_AOT_OK;
        }
    }
    if (status == OCRE_AOT_UNPROVEN)
        say(message, message_len, ocre_aot_optimise.unproven);
    else if (status != OCRE_AOT_OK)
        say(message, message_len, last_error());
    if (context)
        aot_destroy_comp_context(context);
    aot_destroy_comp_data(data);
    return status;
}

/*
 * An AOT file has no place for imports of tables and memories: they become the
 * module's own. So they are refused here, where an engine would refuse them, but
 * for the one memory that every engine offers.
 */
static bool
names_imports(wasm_module_t module, char *message, uint32_t message_len)
{
    int32_t i, count = wasm_runtime_get_import_count(module);

    for (i = 0; i < count; i++) {
        wasm_import_t import;

        wasm_runtime_get_import_type(module, i, &import);
        if (import.kind != WASM_IMPORT_EXPORT_KIND_TABLE
            && (import.kind != WASM_IMPORT_EXPORT_KIND_MEMORY
                || (strcmp(import.module_name, "env") == 0
                    && strcmp(import.name, "memory") == 0)))
            continue;
        snprintf(message, message_len, "%s.%s", import.module_name,
                 import.name);
        return false;
    }
    return true;
}

int32_t
ocre_aot_compile(const uint8_t *wasm, uint32_t wasm_len,
                 const struct ocre_aot_options *options, uint8_t **out,
                 uint32_t *out_len, char *message, uint32_t message_len)
{
    static bool ready;
    wasm_module_t module;
    uint8_t *copy = NULL;
    char stack_usage_path[64];
    int stack_usage = -1;
    int32_t status = OCRE_AOT_MEMORY;

    *out = NULL;
    *out_len = 0;
    say(message, message_len, "out of memory");

    /* The loader would also take AOT code. */
    if (get_package_type(wasm, wasm_len) != Wasm_Module_Bytecode) {
        say(message, message_len, "magic header not detected");
        return OCRE_AOT_BAD_WASM;
    }
    if (!ready) {
        RuntimeInitArgs init;

        memset(&init, 0, sizeof(init));
        init.mem_alloc_type = Alloc_With_Allocator;
        init.mem_alloc_option.allocator.malloc_func = (void *)malloc;
        init.mem_alloc_option.allocator.realloc_func = (void *)realloc;
        init.mem_alloc_option.allocator.free_func = (void *)free;
        if (!wasm_runtime_full_init(&init) || !aot_compiler_init())
            return status;
        ready = true;
    }

    /* The loader rewrites the bytes it is given. */
    copy = malloc(wasm_len ? wasm_len : 1);
    if (!copy)
        return status;
    memcpy(copy, wasm, wasm_len);

    /* LLVM reports the frame sizes, which the stack checks need, only to a
       named file. An anonymous one leaves nothing on disk. */
    stack_usage = memfd_create("ocre-aot-stack-usage", MFD_CLOEXEC);
    if (stack_usage < 0) {
        say(message, message_len, "memfd_create failed");
        free(copy);
        return status;
    }
    snprintf(stack_usage_path, sizeof(stack_usage_path), "/proc/self/fd/%d",
             stack_usage);

    module = wasm_runtime_load(copy, wasm_len, message, message_len);
    if (module) {
        status = OCRE_AOT_IMPORT;
        if (names_imports(module, message, message_len))
            status = compile_module(module, options, stack_usage_path, out,
                                    out_len, message, message_len);
        wasm_runtime_unload(module);
    }
    else {
        status = OCRE_AOT_BAD_WASM;
    }
    close(stack_usage);
    free(copy);
    return status;
}

void
ocre_aot_free(uint8_t *out)
{
    wasm_runtime_free(out);
}
