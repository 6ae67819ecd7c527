/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCRE_AOT_BULK_PIECES_H
#define OCRE_AOT_BULK_PIECES_H

#include "work.h"

// Splits a function's operations that can be longer than a piece, and looks at the
// flags between the pieces.
void
splitBulk(llvm::Function &F, const ModuleSizes &Sizes, llvm::LazyValueInfo &LVI);

#endif
