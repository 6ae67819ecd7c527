/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of ocre_wamr.h over WAMR 2.4.3, including its own headers: the
 * public API runs start functions while it instantiates, where nothing could
 * stop them, and looks functions up by name only.
 */
#include "ocre_wamr.h"
#include "ocre_wamr_keep.h"
#ifdef OCRE_WAMR_LIMIT
#include "ocre_wamr_limit.h"
#endif
#include "ocre_wamr_safe_point.h"

#include <stddef.h>
#include <string.h>

#include "bh_platform.h"
#include "wasm_export.h"
#include "wasm_exec_env.h"
#include "wasm_memory.h"
#include "wasm_runtime_common.h"
#include "../aot/aot_runtime.h"
#include "../interpreter/wasm_interp.h"
#include "../interpreter/wasm_runtime.h"
#include "../libraries/thread-mgr/thread_manager.h"

#if WASM_ENABLE_THREAD_MGR == 0 || WASM_ENABLE_INSTRUCTION_METERING == 0 \
    || (WASM_ENABLE_AOT != 0 && WASM_ENABLE_AOT_VALIDATOR == 0) || WASM_ENABLE_MULTI_MEMORY != 0
#error "WAMR must be built with the definitions of wamr/defines.txt"
#endif
#if WASM_ENABLE_INTERP != 0 && WASM_ENABLE_LABELS_AS_VALUES == 0
#error "without labels as values WAMR's fast interpreter counts no instructions"
#endif

/* Room a guest needs on its thread's stack besides the reserve: the frames of
 * WAMR between here and the guest's first one. */
#define GUEST_STACK_BYTES 4096u

/* Compiled code takes for granted that its largest access fits. */
#define MIN_MEMORY_BYTES 8u

struct module {
    WASMModuleCommon *wamr;
    /* The start function, hidden from WAMR; UINT32_MAX without one. */
    uint32_t start;
    /* Bytes of AOT code's stack in linear memory, hidden from WAMR. */
    uint32_t aux_stack_bytes;
    struct ocre_wamr_kept kept;
};

struct instance {
    struct module *module;
    WASMModuleInstanceCommon *wamr;
    WASMExecEnv *env;
};

struct wasm_trap_t;
void
wasm_trap_delete(struct wasm_trap_t *trap);

static ocre_wamr_call_handler call_handler;
static korp_mutex interrupt_lock;

/* The one function of WAMR's C API, which is not built, that the runtime names:
 * for host functions registered through that API, so it is never called. */
void
wasm_trap_delete(struct wasm_trap_t *trap)
{
    (void)trap;
}

static bool
is_aot(const struct module *module)
{
    /* Constant where firmware leaves one kind out, and then its callers fold too. */
    return WASM_ENABLE_AOT != 0
           && (WASM_ENABLE_INTERP == 0
               || module->wamr->module_type == Wasm_Module_AoT);
}

static const WASMModule *
as_wasm(const struct module *module)
{
    return (const WASMModule *)module->wamr;
}

static const AOTModule *
as_aot(const struct module *module)
{
    return (const AOTModule *)module->wamr;
}

static bool
is_interrupted(WASMExecEnv *env)
{
    return (WASM_SUSPEND_FLAGS_GET(env->suspend_flags)
            & WASM_SUSPEND_FLAG_TERMINATE)
           != 0;
}

uint32_t
ocre_wamr_hold(WASMSuspendFlags *flags)
{
    WASMExecEnv *env =
        (WASMExecEnv *)((char *)flags - offsetof(WASMExecEnv, suspend_flags));
    uint32_t set;

    os_mutex_lock(&interrupt_lock);
    for (;;) {
        set = __atomic_load_n(&flags->flags, __ATOMIC_SEQ_CST);
        if ((set & WASM_SUSPEND_FLAG_SUSPEND) == 0
            || (set & WASM_SUSPEND_FLAG_TERMINATE) != 0)
            break;
        os_cond_wait(&env->wait_cond, &interrupt_lock);
    }
    os_mutex_unlock(&interrupt_lock);
    return set;
}

#if WASM_ENABLE_AOT != 0
#undef aot_set_exception_with_id
void
aot_set_exception_with_id(void *subject, uint32_t id)
{
    if (id == OCRE_WAMR_HOLD)
        (void)ocre_wamr_hold(&((WASMExecEnv *)subject)->suspend_flags);
    else
        ocre_wamr_raise(subject, id);
}
#endif

/*
 * Every host function is this one for WAMR. The attachment tells them apart: the
 * index, and in the lowest bits the number of values that it takes or returns, at
 * least one.
 */
#define COUNT_BITS 8

/* The exception that ends a guest whose entry point made a tail call of a host
 * function, once that has returned. */
static const char tail_returned[] = "tail call returned";

/*
 * WAMR 2.4.3 goes on behind a tail call of a host function in the frame below
 * the caller's, and reads through its null instruction pointer where that is the
 * frame that stands for the host. The exception makes it leave; call() takes it
 * back, and the result out of a member that only WAMR's own threads use.
 */
static void
leave_tail_call(WASMExecEnv *env, WASMModuleInstance *wamr, uint64_t result)
{
    const WASMInterpFrame *frame = env->cur_frame;

    if (wamr->module_type != Wasm_Module_Bytecode || !frame->prev_frame
        || frame->prev_frame->ip)
        return;
    env->thread_ret_value = (void *)(uintptr_t)result;
    wasm_set_exception(wamr, tail_returned);
}

static void
trampoline(WASMExecEnv *env, uint64_t *arguments)
{
    uintptr_t native = (uintptr_t)env->attachment;
    WASMModuleInstance *wamr = (WASMModuleInstance *)env->module_inst;
    WASMMemoryInstance *memory = wasm_get_default_memory(wamr);

    if (is_interrupted(env)) {
        wasm_set_exception(wamr, OCRE_WAMR_STOPPED);
        return;
    }
    if (call_handler(env->user_data, (uint32_t)(native >> COUNT_BITS),
                     memory ? memory->memory_data : NULL,
                     memory ? (size_t)memory->memory_data_size : 0, arguments,
                     (uint32_t)native & ((1u << COUNT_BITS) - 1))
        != 0)
        wasm_set_exception(wamr, OCRE_WAMR_HALTED);
    else if (is_interrupted(env))
        wasm_set_exception(wamr, OCRE_WAMR_STOPPED);
    else
        leave_tail_call(env, wamr, arguments[0]);
}

int32_t
ocre_wamr_start(void *pool, uint32_t pool_bytes, ocre_wamr_call_handler handler)
{
    RuntimeInitArgs arguments;

    memset(&arguments, 0, sizeof(arguments));
    if (pool) {
        arguments.mem_alloc_type = Alloc_With_Pool;
        arguments.mem_alloc_option.pool.heap_buf = pool;
        arguments.mem_alloc_option.pool.heap_size = pool_bytes;
    }
    else {
#ifdef OCRE_WAMR_LIMIT
        ocre_wamr_limit_set(pool_bytes);
        arguments.mem_alloc_type = Alloc_With_Allocator;
        arguments.mem_alloc_option.allocator.malloc_func =
            (void *)ocre_wamr_limit_malloc;
        arguments.mem_alloc_option.allocator.realloc_func =
            (void *)ocre_wamr_limit_realloc;
        arguments.mem_alloc_option.allocator.free_func =
            (void *)ocre_wamr_limit_free;
#else
        arguments.mem_alloc_type = Alloc_With_System_Allocator;
#endif
    }
#if WASM_ENABLE_INTERP != 0
    /* WAMR refuses to start in a mode that it is built without. */
    arguments.running_mode = Mode_Interp;
#endif

    if (os_mutex_init(&interrupt_lock) != 0)
        return OCRE_WAMR_NO_MEMORY;
    if (!wasm_runtime_full_init(&arguments)) {
        os_mutex_destroy(&interrupt_lock);
        return OCRE_WAMR_NO_MEMORY;
    }
    /* Whatever is worth telling comes back as a status and a text. */
    wasm_runtime_set_log_level(WASM_LOG_LEVEL_FATAL);
    call_handler = handler;
    return OCRE_WAMR_OK;
}

int32_t
ocre_wamr_register(const char *module,
                   const struct ocre_wamr_native *natives, uint32_t count)
{
    NativeSymbol *symbols;
    uint32_t values;
    uint32_t i;

    if (count == 0)
        return OCRE_WAMR_OK;
    symbols = ocre_wamr_allocate(count * (uint32_t)sizeof(*symbols));
    if (!symbols)
        return OCRE_WAMR_NO_MEMORY;
    for (i = 0; i < count; i++) {
        symbols[i].symbol = natives[i].name;
        symbols[i].func_ptr = (void *)trampoline;
        symbols[i].signature = natives[i].signature;
        values = natives[i].parameters != 0 ? natives[i].parameters : 1;
        symbols[i].attachment =
            (void *)((uintptr_t)natives[i].index << COUNT_BITS | values);
    }
    if (!wasm_runtime_register_natives_raw(module, symbols, count)) {
        ocre_wamr_free(symbols);
        return OCRE_WAMR_REFUSED;
    }
    return OCRE_WAMR_OK;
}

void *
ocre_wamr_take(uint32_t bytes)
{
    /* One byte at least: WAMR warns of empty allocations. */
    return wasm_runtime_malloc(bytes ? bytes : 1);
}

void *
ocre_wamr_allocate(uint32_t bytes)
{
    void *memory = ocre_wamr_take(bytes);

    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

void
ocre_wamr_free(void *memory)
{
    if (memory)
        wasm_runtime_free(memory);
}

/* Names of exports that WAMR would call on its own, each behind a blank: with the
 * blank the export is hidden from WAMR, without it the name is restored. */
static char hidden_names[][24] = { " __post_instantiate", " __wasm_call_ctors" };
#define HIDDEN_NAMES (sizeof(hidden_names) / sizeof(hidden_names[0]))

/*
 * WAMR runs the start function, and exports with the reserved names, inside
 * wasm_runtime_instantiate(): in an environment that can't be interrupted and
 * without a budget. Nothing runs there once the start function is taken away
 * and the names are not the ones it looks for.
 */
static void
hide_initialisers(struct module *module)
{
    uint32_t i, count = ocre_wamr_exports(module);

    if (is_aot(module)) {
        AOTModule *aot = (AOTModule *)module->wamr;

        /* An imported one too: it traps, as it does for the interpreter. */
        module->start = aot->start_func_index;
        aot->start_function = NULL;
        /* While it makes an environment, WAMR refuses a stack that ends where
         * data ends, as it does without any data, and gives the stack pointer
         * the value that it has. Without a size it leaves both alone. */
        module->aux_stack_bytes = aot->aux_stack_size;
        aot->aux_stack_size = 0;
    }
    else {
        WASMModule *wasm = (WASMModule *)module->wamr;

        module->start = wasm->start_function;
        wasm->start_function = UINT32_MAX;
    }
    for (i = 0; i < count; i++) {
        char **name = is_aot(module)
                          ? &((AOTModule *)module->wamr)->exports[i].name
                          : &((WASMModule *)module->wamr)->exports[i].name;
        uint32_t hidden;

        for (hidden = 0; hidden < HIDDEN_NAMES; hidden++)
            if (strcmp(*name, hidden_names[hidden] + 1) == 0)
                *name = hidden_names[hidden];
    }
}

/* The memory that instances get, NULL without one. One that is imported is made
 * for each instance like its own. */
static WASMMemory *
declared_memory(const struct module *module)
{
    if (is_aot(module)) {
        const AOTModule *aot = as_aot(module);

        return aot->memory_count > 0 ? (WASMMemory *)aot->memories : NULL;
    }
    if (as_wasm(module)->import_memory_count > 0)
        return (WASMMemory *)&as_wasm(module)->import_memories[0].u.memory.mem_type;
    return as_wasm(module)->memory_count > 0 ? as_wasm(module)->memories : NULL;
}

/*
 * WAMR shrinks a memory that does not grow to __heap_base, and where that is 0,
 * compiled code takes the memory of no bytes for one whose first bytes are at
 * NULL. It gets its least then, of the page that the module asks for.
 */
static void
keep_memory(struct module *module)
{
    WASMMemory *memory = declared_memory(module);

    if (memory && memory->init_page_count != 0
        && memory->num_bytes_per_page == 0)
        memory->num_bytes_per_page = MIN_MEMORY_BYTES;
}

int32_t
ocre_wamr_load(uint8_t *code, uint32_t bytes, void **out, char *text,
               uint32_t text_bytes)
{
    struct module *module = ocre_wamr_allocate(sizeof(*module));
    LoadArgs arguments = { 0 };

    text[0] = '\0';
    if (!module)
        return OCRE_WAMR_NO_MEMORY;
    arguments.name = "";
    /* Of wasm code alone, WAMR itself copies what it keeps. */
    arguments.wasm_binary_freeable =
        get_package_type(code, bytes) == Wasm_Module_Bytecode;
    module->wamr = (WASMModuleCommon *)wasm_runtime_load_ex(
        code, bytes, &arguments, text, text_bytes);
    if (!module->wamr) {
        ocre_wamr_free(module);
        return OCRE_WAMR_REFUSED;
    }
#if WASM_ENABLE_AOT != 0
    if (is_aot(module)
        && !ocre_wamr_keep((AOTModule *)module->wamr, &module->kept)) {
        ocre_wamr_unload(module);
        return OCRE_WAMR_NO_MEMORY;
    }
#endif
    hide_initialisers(module);
    keep_memory(module);
    *out = module;
    return OCRE_WAMR_OK;
}

void
ocre_wamr_unload(void *handle)
{
    struct module *module = handle;

    wasm_runtime_unload((wasm_module_t)module->wamr);
    ocre_wamr_keep_free(&module->kept);
    ocre_wamr_free(module);
}

static void
describe_function(struct ocre_wamr_external *external, const WASMFuncType *type)
{
    external->types = type->types;
    external->parameters = type->param_count;
    external->results = type->result_count;
}

uint32_t
ocre_wamr_imports(const void *handle)
{
    const struct module *module = handle;
    int32_t count =
        wasm_runtime_get_import_count((WASMModuleCommon *)module->wamr);

    return count > 0 ? (uint32_t)count : 0;
}

void
ocre_wamr_import(const void *handle, uint32_t index,
                 struct ocre_wamr_external *external)
{
    const struct module *module = handle;
    wasm_import_t import;

    wasm_runtime_get_import_type((WASMModuleCommon *)module->wamr,
                                 (int32_t)index, &import);
    memset(external, 0, sizeof(*external));
    external->module = import.module_name;
    external->name = import.name;
    external->kind = (uint32_t)import.kind;
    external->linked = import.linked ? 1 : 0;
    external->function = UINT32_MAX;
    if (import.kind == WASM_IMPORT_EXPORT_KIND_FUNC)
        describe_function(external, import.u.func_type);
}

uint32_t
ocre_wamr_exports(const void *handle)
{
    const struct module *module = handle;

    return is_aot(module) ? as_aot(module)->export_count
                          : as_wasm(module)->export_count;
}

void
ocre_wamr_export(const void *handle, uint32_t index,
                 struct ocre_wamr_external *external)
{
    const struct module *module = handle;
    wasm_export_t exported;
    uint32_t hidden;

    wasm_runtime_get_export_type((WASMModuleCommon *)module->wamr,
                                 (int32_t)index, &exported);
    memset(external, 0, sizeof(*external));
    external->name = exported.name;
    for (hidden = 0; hidden < HIDDEN_NAMES; hidden++)
        if (exported.name == hidden_names[hidden])
            external->name = hidden_names[hidden] + 1;
    external->kind = (uint32_t)exported.kind;
    external->function = UINT32_MAX;
    if (exported.kind == WASM_IMPORT_EXPORT_KIND_FUNC) {
        uint32_t imported = is_aot(module)
                                ? as_aot(module)->import_func_count
                                : as_wasm(module)->import_function_count;
        uint32_t function = is_aot(module)
                                ? as_aot(module)->exports[index].index
                                : as_wasm(module)->exports[index].index;

        describe_function(external, exported.u.func_type);
        if (function >= imported)
            external->function = function;
    }
}

int32_t
ocre_wamr_add_room(void *handle, uint32_t bytes, uint32_t *address)
{
    WASMMemory *memory = declared_memory(handle);
    uint64_t at;
    uint32_t pages;

    if (!memory || memory->init_page_count == 0)
        return 0;
    at = (uint64_t)memory->num_bytes_per_page * memory->init_page_count;
    if (at + bytes > UINT32_MAX)
        return 0;
    *address = (uint32_t)at;
    if (memory->init_page_count == 1 && memory->max_page_count == 1) {
        /* WAMR's one page of whatever size, where memory does not grow. */
        memory->num_bytes_per_page += bytes;
        return 1;
    }
    pages = (uint32_t)(((uint64_t)bytes + memory->num_bytes_per_page - 1)
                       / memory->num_bytes_per_page);
    if (memory->init_page_count + pages > DEFAULT_MAX_PAGES)
        return 0;
    memory->init_page_count += pages;
    if (memory->max_page_count < memory->init_page_count)
        memory->max_page_count = memory->init_page_count;
    return 1;
}

void
ocre_wamr_demand(const void *handle, struct ocre_wamr_demand *demand)
{
    const struct module *module = handle;
    const WASMMemory *memory = declared_memory(module);
    const WASMTable *tables;
    uint32_t i, count;

    if (is_aot(module)) {
        tables = as_aot(module)->tables;
        count = as_aot(module)->table_count;
    }
    else {
        tables = as_wasm(module)->tables;
        count = as_wasm(module)->table_count;
    }
    memset(demand, 0, sizeof(*demand));
    if (memory) {
        demand->memory_bytes =
            (uint64_t)memory->init_page_count * memory->num_bytes_per_page;
        demand->page_bytes = memory->num_bytes_per_page;
    }
    for (i = 0; i < count; i++) {
        const WASMTableType *type = &tables[i].table_type;

        demand->table_elements +=
            type->possible_grow && type->max_size > type->init_size
                ? type->max_size
                : type->init_size;
    }
}

int32_t
ocre_wamr_instantiate(void *handle, uint32_t maximum_pages,
                      uint32_t stack_bytes, uint32_t reserve_bytes,
                      void *context, void **out, char *text,
                      uint32_t text_bytes)
{
    struct module *module = handle;
    struct instance *instance;
    WASMMemoryInstance *memory;
    uint8_t *boundary = os_thread_get_stack_boundary();

    text[0] = '\0';
    if (boundary) {
        boundary += reserve_bytes;
        /* Not the address of a local: sanitizers move those off the stack. */
        if ((uintptr_t)__builtin_frame_address(0)
            < (uintptr_t)boundary + GUEST_STACK_BYTES)
            return OCRE_WAMR_NO_STACK;
    }
    instance = ocre_wamr_allocate(sizeof(*instance));
    if (!instance)
        return OCRE_WAMR_NO_MEMORY;
    instance->module = module;
    instance->wamr = (WASMModuleInstanceCommon *)wasm_runtime_instantiate(
        (wasm_module_t)module->wamr, stack_bytes, 0, text, text_bytes);
    if (!instance->wamr) {
        ocre_wamr_free(instance);
        return OCRE_WAMR_REFUSED;
    }
    memory = wasm_get_default_memory((WASMModuleInstance *)instance->wamr);
    /* Here, because WAMR's own parameter takes 0 for "no limit". */
    if (memory && memory->max_page_count > maximum_pages)
        memory->max_page_count = maximum_pages;

    instance->env = wasm_exec_env_create(instance->wamr, stack_bytes);
    if (!instance->env) {
        wasm_runtime_deinstantiate((wasm_module_inst_t)instance->wamr);
        ocre_wamr_free(instance);
        return OCRE_WAMR_NO_MEMORY;
    }
    if (is_aot(module))
        instance->env->aux_stack_boundary -= module->aux_stack_bytes;
    instance->env->user_data = context;
    instance->env->user_native_stack_boundary = boundary;
    *out = instance;
    return OCRE_WAMR_OK;
}

void
ocre_wamr_deinstantiate(void *handle)
{
    struct instance *instance = handle;

    /*
     * As wasm_exec_env_destroy does it, but without waiting for the guest's
     * other threads: there are none, and WAMR allocates for the waiting, and
     * frees what it has not set where it can't.
     */
    wasm_cluster_del_exec_env(wasm_exec_env_get_cluster(instance->env), instance->env);
    wasm_exec_env_destroy_internal(instance->env);
    wasm_runtime_deinstantiate((wasm_module_inst_t)instance->wamr);
    ocre_wamr_free(instance);
}

void
ocre_wamr_free_data(void *handle)
{
    struct module *module = ((struct instance *)handle)->module;

    if (is_aot(module)) {
        ocre_wamr_free(module->kept.data);
        module->kept.data = NULL;
    }
    else {
        WASMModule *wasm = (WASMModule *)module->wamr;
        uint32_t i;

        for (i = 0; i < wasm->data_seg_count; i++) {
            WASMDataSeg *segment = wasm->data_segments[i];

            if (segment->is_passive || !segment->is_data_cloned)
                continue;
            ocre_wamr_free(segment->data);
            segment->data = NULL;
            segment->is_data_cloned = false;
        }
    }
}

static int32_t
call(struct instance *instance, uint32_t function, int32_t budget,
     uint32_t *cells, uint32_t cell_count)
{
    const struct module *module = instance->module;
    bool returned;

    /* WAMR looks at loops and calls only, so not before the first of them. */
    if (is_interrupted(instance->env))
        return OCRE_WAMR_INTERRUPTED;
    instance->env->instructions_to_execute = budget;
    if (is_aot(module)) {
        const AOTModule *aot = as_aot(module);
        AOTFunctionInstance callee = { 0 };
        uint32_t own = function - aot->import_func_count;

        if (function < aot->import_func_count || own >= aot->func_count)
            return OCRE_WAMR_NO_FUNCTION;
        callee.func_name = "";
        callee.func_index = function;
        callee.u.func.func_type =
            (AOTFuncType *)aot->types[aot->func_type_indexes[own]];
        callee.u.func.func_ptr = aot->func_ptrs[own];
        if (callee.u.func.func_type->param_count != 0
            || callee.u.func.func_type->ret_cell_num > cell_count)
            return OCRE_WAMR_NO_FUNCTION;
        returned = aot_call_function(instance->env, &callee, 0, cells);
    }
    else {
        const WASMModule *wasm = as_wasm(module);
        WASMModuleInstance *wamr = (WASMModuleInstance *)instance->wamr;
        WASMFunctionInstance *callee;

        if (function < wasm->import_function_count
            || function >= wamr->e->function_count)
            return OCRE_WAMR_NO_FUNCTION;
        callee = &wamr->e->functions[function];
        if (callee->param_count != 0 || callee->ret_cell_num > cell_count)
            return OCRE_WAMR_NO_FUNCTION;
        returned = wasm_call_function(instance->env, callee, 0, cells);
        if (!returned
            && strcmp(ocre_wamr_exception(instance), tail_returned) == 0) {
            wasm_set_exception(wamr, NULL);
            if (callee->ret_cell_num != 0)
                cells[0] = (uint32_t)(uintptr_t)instance->env->thread_ret_value;
            returned = true;
        }
    }
    if (!returned)
        return OCRE_WAMR_EXCEPTION;
    return is_interrupted(instance->env) ? OCRE_WAMR_INTERRUPTED
                                         : OCRE_WAMR_OK;
}

int32_t
ocre_wamr_run_start(void *handle, int32_t budget)
{
    struct instance *instance = handle;
    uint32_t cells[2];

    if (instance->module->start == UINT32_MAX)
        return OCRE_WAMR_OK;
    return call(instance, instance->module->start, budget, cells, 0);
}

int32_t
ocre_wamr_call(void *handle, uint32_t function, int32_t budget,
               uint32_t *results, uint32_t result_cells)
{
    return call(handle, function, budget, results, result_cells);
}

const char *
ocre_wamr_exception(const void *handle)
{
    const struct instance *instance = handle;
    const char *text =
        wasm_get_exception((WASMModuleInstance *)instance->wamr);
    static const char prefix[] = "Exception: ";

    if (!text)
        return "";
    if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
        text += sizeof(prefix) - 1;
    return text;
}

void
ocre_wamr_interrupt(void *handle)
{
    struct instance *instance = handle;

    WASM_SUSPEND_FLAGS_FETCH_OR(instance->env->suspend_flags,
                                WASM_SUSPEND_FLAG_TERMINATE);
    os_cond_signal(&instance->env->wait_cond);
}

void
ocre_wamr_suspend(void *handle, int32_t held)
{
    struct instance *instance = handle;

    if (held != 0) {
        WASM_SUSPEND_FLAGS_FETCH_OR(instance->env->suspend_flags,
                                    WASM_SUSPEND_FLAG_SUSPEND);
        return;
    }
    WASM_SUSPEND_FLAGS_FETCH_AND(instance->env->suspend_flags,
                                 ~WASM_SUSPEND_FLAG_SUSPEND);
    os_cond_signal(&instance->env->wait_cond);
}

uint32_t
ocre_wamr_memory_bytes(const void *handle)
{
    const struct instance *instance = handle;
    const WASMMemoryInstance *memory =
        wasm_get_default_memory((WASMModuleInstance *)instance->wamr);
    uint64_t bytes = 0;

    /* The guest's thread may be growing it. Whole 64 bits are not read at once
     * everywhere, pages are; and a page's size stays what it is. */
    if (memory) {
        bytes = __atomic_load_n(&memory->cur_page_count, __ATOMIC_RELAXED);
        bytes *= __atomic_load_n(&memory->num_bytes_per_page, __ATOMIC_RELAXED);
    }

    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

void
ocre_wamr_lock(void)
{
    os_mutex_lock(&interrupt_lock);
}

void
ocre_wamr_unlock(void)
{
    os_mutex_unlock(&interrupt_lock);
}
