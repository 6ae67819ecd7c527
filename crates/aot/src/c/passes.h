/* SPDX-License-Identifier: Apache-2.0 */
/* This crate's steps in the optimisation of a module, in their order. */
#ifndef OCRE_AOT_PASSES_H
#define OCRE_AOT_PASSES_H

#include <llvm/IR/PassManager.h>

#include "work.h"

// Tells LLVM what the runtime promises about linear memory: it never shrinks
// below the `InitialSize` bytes it starts with, it overlaps nothing of the
// runtime's own, and traps are rare. To be run before any optimisation.
struct MemoryFactsPass : llvm::PassInfoMixin<MemoryFactsPass> {
    uint64_t InitialSize;

    explicit MemoryFactsPass(uint64_t InitialSize)
      : InitialSize(InitialSize)
    {}
    llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
};

// Gives the entries of wasm functions a shorter check of the native stack, and
// lets callers take it in. To be run before any optimisation.
struct StackChecksPass : llvm::PassInfoMixin<StackChecksPass> {
    llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
};

// Makes a table operation that fails end the function: WAMR's code goes on after it.
// To be run before any optimisation.
struct TableTrapsPass : llvm::PassInfoMixin<TableTrapsPass> {
    llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
};

// Makes indirect calls whose result the function returns tail calls. To be run before
// any optimisation.
struct TailCallsPass : llvm::PassInfoMixin<TailCallsPass> {
    llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
};

// Keeps through LLVM's own steps what KillChecksPass needs. To be run before them.
struct KillNeedsPass : llvm::PassInfoMixin<KillNeedsPass> {
    ModuleSizes Sizes;

    explicit KillNeedsPass(const ModuleSizes &Sizes)
      : Sizes(Sizes)
    {}
    llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
};

// Makes the guest end soon after its terminate flag is set, in any code. To be
// run after the loop optimisations, so that none of them is hindered and one
// check serves a whole unrolled or vectorised iteration.
struct KillChecksPass : llvm::PassInfoMixin<KillChecksPass> {
    ModuleSizes Sizes;

    explicit KillChecksPass(const ModuleSizes &Sizes)
      : Sizes(Sizes)
    {}
    llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
};

// Proves that the guest ends soon after its terminate flag is set, from the code
// alone. To be run last. The answer is in ocre_aot_optimise.unproven.
struct KillProofPass : llvm::PassInfoMixin<KillProofPass> {
    ModuleSizes Sizes;

    explicit KillProofPass(const ModuleSizes &Sizes)
      : Sizes(Sizes)
    {}
    llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
};

#endif
