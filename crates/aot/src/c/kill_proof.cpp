// SPDX-License-Identifier: Apache-2.0
//
// Reads the module as it goes to code generation and takes nothing from how the
// looks were placed: a look is what reads the flag, ends the guest, and returns; a
// counter is a value that is tested after each subtraction.
//
// Proven is, for every path through every function:
//
// - No more than `MostWork` between two looks, but for the way up from recursion,
//   on which each frame does no more than `WorkPerFrame`.
// - After a call that can return because the guest is ended, the caller returns in
//   a few instructions.
//
// LLVM's code generator adds no loops, and calls only library routines, which
// work.h counts.

#include "passes.h"
#include "look.h"
#include "path_work.h"
#include "wamr_layout.h"

#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Module.h>

#include "optimise.h"

using namespace llvm;

static void
refuse(const Function &F, const std::string &Why)
{
    std::string Text =
        ("function " + wamr::functionNumber(F) + ": " + Why).str();
    snprintf(ocre_aot_optimise.unproven, sizeof(ocre_aot_optimise.unproven),
             "%s", Text.c_str());
}

// Tells whether the function returns after each call that ends the guest.
static bool
endsWithCallees(const PathWork &Work, Function &F)
{
    return all_of(instructions(F), [&](Instruction &I) {
        auto *Call = dyn_cast<CallBase>(&I);
        return !Call || !Work.canEnd(*Call) || endsAfter(*Call);
    });
}

PreservedAnalyses
KillProofPass::run(Module &M, ModuleAnalysisManager &MAM)
{
    auto &FAM = MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
    for (Function &F : M)
        if (!F.isDeclaration())
            FAM.invalidate(F, PreservedAnalyses::none());
    PathWork Work(M, FAM, Sizes);
    for (auto &Component : Work.components()) {
        std::string Fault;
        bool Settled = sumUp(Work, Component, [&](Function &F) {
            std::string Here;
            WorkSummary Sum = Work.summary(F, nullptr, Here);
            if (!Here.empty() && Fault.empty()) {
                Fault = Here;
                refuse(F, Fault);
            }
            return Sum;
        });
        if (!Fault.empty())
            return PreservedAnalyses::all();
        for (Function *F : Component)
            if (!Settled || Work.summaryOf(*F).Enter > MostWork)
                return refuse(*F, "work without a bound"),
                       PreservedAnalyses::all();
            else if (!endsWithCallees(Work, *F))
                return refuse(*F, "it goes on after a call that ended the guest"),
                       PreservedAnalyses::all();
    }
    return PreservedAnalyses::all();
}
