// SPDX-License-Identifier: Apache-2.0
//
// table.init, table.copy and table.fill set an exception where they fail, and return
// nothing. WAMR's compiler does not test for it after them, so a guest would go on
// until it calls something.

#include "passes.h"
#include "look.h"

#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Module.h>

using namespace llvm;

PreservedAnalyses
TableTrapsPass::run(Module &M, ModuleAnalysisManager &)
{
    for (Function &F : M) {
        SmallVector<CallBase *, 4> Calls;
        for (Instruction &I : instructions(F)) {
            auto *Call = dyn_cast<CallBase>(&I);
            auto Op = Call ? asBulk(*Call, ModuleSizes()) : std::nullopt;
            if (Op && Op->Fails == Bulk::Exception)
                Calls.push_back(Call);
        }
        Looks Look(F);
        for (CallBase *Call : Calls)
            Look.testException(Call->getNextNode(), Call->getArgOperand(0));
    }
    return PreservedAnalyses::none();
}
