/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of floats for RISC-V without a FPU that compiled code calls and that WAMR's
 * table lacks: without them an AOT file with such a call does not load. The table takes
 * them through a macro that is empty without WAMR's own profiler.
 */
#ifndef OCRE_RISCV_SYMBOLS_H_
#define OCRE_RISCV_SYMBOLS_H_

#include "aot_reloc.h"

#ifndef __riscv_flen
#undef REG_LLVM_PGO_SYM
#define REG_LLVM_PGO_SYM()                                                                     \
	REG_SYM(__fixsfsi), REG_SYM(__floatdisf), REG_SYM(__floatsisf), REG_SYM(__floatundisf),    \
		REG_SYM(__floatunsisf), REG_SYM(__ltsf2),
#endif

#endif
