/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before every source of WAMR's: repairs of what its wasm loader does
 * when memory runs out at an extended constant expression (WAMR 2.4.3). What is
 * malformed never gets there: the reader of modules refuses it.
 *
 * - It frees the stack of the expression through the pointer of each entry,
 *   which is null for a plain constant; and through a null stack if that could
 *   not grow. The stack that could not grow is still in the context.
 * - For want of a segment it frees the offset of a passive one, which has none.
 *
 * The macros keep the definitions of both functions and change their calls.
 */
#if !defined(OCRE_WAMR_CONST_EXPR_H) && !defined(__ASSEMBLER__) \
    && WASM_ENABLE_EXTENDED_CONST_EXPR != 0
#define OCRE_WAMR_CONST_EXPR_H

#define destroy_const_expr_stack(context, free) OCRE_STACK_##free)
#define OCRE_STACK_bool  destroy_const_expr_stack(ConstExprContext *ctx, bool
#define OCRE_STACK_false destroy_const_expr_stack(&const_expr_ctx, false
#define OCRE_STACK_true                                                        \
    if (!const_expr_ctx.stack)                                                 \
        const_expr_ctx.stack = const_expr_ctx.data;                            \
    {                                                                          \
        uint32 kept = 0, at;                                                   \
        for (at = 0; at < const_expr_ctx.sp; at++)                             \
            if (const_expr_ctx.stack[at].expr)                                 \
                const_expr_ctx.stack[kept++] = const_expr_ctx.stack[at];       \
        const_expr_ctx.sp = kept;                                              \
    }                                                                          \
    destroy_const_expr_stack(&const_expr_ctx, true

/* The AOT loader has a function of the same name with one parameter. */
#define destroy_init_expr(...) \
    OCRE_THIRD(__VA_ARGS__, OCRE_INIT_EXPR_2, OCRE_INIT_EXPR_1, 0)(__VA_ARGS__)
#define OCRE_THIRD(first, second, third, ...) third
#define OCRE_INIT_EXPR_1(expr) destroy_init_expr(expr)
#define OCRE_INIT_EXPR_2(module, expr) OCRE_INIT_EXPR_##module, expr)
#define OCRE_INIT_EXPR_WASMModule destroy_init_expr(WASMModule
#define OCRE_INIT_EXPR_module if (!is_passive) destroy_init_expr(module

/* Where there is no local of that name. */
enum { is_passive = 0 };

#endif
