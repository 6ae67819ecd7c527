// SPDX-License-Identifier: Apache-2.0
//
// WAMR's compiler marks direct calls of return_call, and makes return_call_indirect
// a call with a test for an exception after it. The test is not needed where the
// function returns either way: callers test too. Without it LLVM can make a jump
// of the call, so that a ring of such calls takes no stack.
//
// A call is no jump where its arguments do not fit in registers or in the caller's
// own arguments on the stack, or where it gives more than one result: then it takes
// stack like any other, and ends in a trap if there are too many of it.

#include "passes.h"
#include "wamr_layout.h"

#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/Local.h>

using namespace llvm;

namespace {

// Most blocks between a call and the return.
constexpr unsigned Blocks = 8;

// The block that control goes to after a call without an exception, if nothing but
// the test for one follows it.
BasicBlock *
afterTest(const CallInst &Call)
{
    const DataLayout &DL = Call.getModule()->getDataLayout();
    auto *Load = dyn_cast_or_null<LoadInst>(Call.getNextNode());
    if (!Load || !wamr::isException(Load, DL))
        return nullptr;
    auto *Test = dyn_cast<ICmpInst>(Load->getNextNode());
    if (!Test || Test->getPredicate() != CmpInst::ICMP_EQ
        || Test->getOperand(0) != Load)
        return nullptr;
    auto *Branch = dyn_cast<BranchInst>(Test->getNextNode());
    return Branch && Branch->isConditional() && Branch->getCondition() == Test
               ? Branch->getSuccessor(0)
               : nullptr;
}

// Tells whether a function does nothing after a call but return the call's result.
bool
isLast(const CallInst &Call)
{
    const Value *Result = &Call;
    const BasicBlock *From = Call.getParent(), *At = afterTest(Call);
    for (unsigned Step = 0; At && Step < Blocks; Step++) {
        const Value *Next = Result;
        for (const PHINode &Phi : At->phis())
            if (Phi.getIncomingValueForBlock(From) == Result)
                Next = &Phi;
        Result = Next;
        const Instruction *First = At->getFirstNonPHI();
        if (auto *Return = dyn_cast<ReturnInst>(First))
            return !Return->getReturnValue()
                   || Return->getReturnValue() == Result;
        auto *Branch = dyn_cast<BranchInst>(First);
        if (!Branch || Branch->isConditional())
            return false;
        From = At;
        At = Branch->getSuccessor(0);
    }
    return false;
}

} // namespace

PreservedAnalyses
TailCallsPass::run(Module &M, ModuleAnalysisManager &)
{
    for (Function &F : M) {
        if (!wamr::isBody(F))
            continue;
        SmallVector<CallInst *, 8> Last;
        for (Instruction &I : instructions(F)) {
            auto *Call = dyn_cast<CallInst>(&I);
            if (Call && !Call->getCalledFunction()
                && Call->getType() == F.getReturnType() && isLast(*Call))
                Last.push_back(Call);
        }
        for (CallInst *Call : Last) {
            BasicBlock *At = Call->getParent();
            At->splitBasicBlock(Call->getNextNode(), "tested");
            At->getTerminator()->eraseFromParent();
            IRBuilder<> B(At);
            wamr::createReturn(B, Call);
            Call->setTailCallKind(CallInst::TCK_Tail);
        }
        if (!Last.empty())
            removeUnreachableBlocks(F);
    }
    return PreservedAnalyses::none();
}
