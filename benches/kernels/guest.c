/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel's entry point as a container: ROUNDS is set by the compiler's caller. */
#include "kernel.h"

__attribute__((export_name("bench"))) int
bench(void)
{
    return (int)run(ROUNDS);
}
