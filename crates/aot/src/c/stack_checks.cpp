// SPDX-License-Identifier: Apache-2.0
//
// WAMR's entry of a function checks that the body's frame fits between the
// stack pointer and the thread's boundary, and then jumps to the body. The
// frame's size is known after code generation only, so it is read from a table
// that is filled then. Here the same is one subtraction and one comparison.
//
// WAMR's compiler also makes stack slots where it needs them. In a loop such a slot
// takes stack in each turn until the function returns, where no optimisation removes
// it. So all slots are moved to the function's first instructions, and are in its
// frame also when a check splits its first block.
//
// On 64-bit targets callers may take the entry in, which saves them the jump;
// on smaller ones the size of the code counts for more.

#include "passes.h"
#include "wamr_layout.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include "aot_llvm.h"
#include "../aot/aot_runtime.h"

using namespace llvm;

namespace {

// The call of the body by its entry.
CallInst *
bodyCall(Function &Entry, Function &Body)
{
    for (User *U : Body.users())
        if (auto *Call = dyn_cast<CallInst>(U))
            if (Call->getFunction() == &Entry)
                return Call;
    return nullptr;
}

void
rebuild(Function &Entry, Function &Body, GlobalVariable &Sizes, unsigned Index)
{
    CallInst *Old = bodyCall(Entry, Body);
    if (!Old)
        return;
    auto TailCall = Old->getTailCallKind();
    Entry.deleteBody();

    LLVMContext &C = Entry.getContext();
    const DataLayout &DL = Entry.getParent()->getDataLayout();
    Type *Word = DL.getIntPtrType(C);
    BasicBlock *Check = BasicBlock::Create(C, "check", &Entry);
    BasicBlock *Fits = BasicBlock::Create(C, "fits", &Entry);
    BasicBlock *Overflow = BasicBlock::Create(C, "overflow", &Entry);

    IRBuilder<> B(Check);
    Value *Boundary = B.CreateLoad(
        Word, wamr::field(B, Entry.getArg(0), wamr::ExecEnvStackBoundary));
    Value *Pointer =
        B.CreatePtrToInt(B.CreateIntrinsic(Intrinsic::stacksave, {}, {}), Word);
    Value *Size = B.CreateZExt(
        B.CreateLoad(B.getInt32Ty(), B.CreateConstInBoundsGEP2_32(
                                         Sizes.getValueType(), &Sizes, 0, Index)),
        Word);
    // Signed: the stack pointer may be past the boundary already.
    Value *Short = B.CreateICmpSLT(B.CreateSub(Pointer, Boundary), Size);
    B.CreateCondBr(Short, Overflow, Fits, wamr::rarely(C));

    B.SetInsertPoint(Fits);
    SmallVector<Value *, 8> Arguments;
    for (Argument &A : Entry.args())
        Arguments.push_back(&A);
    CallInst *Call = B.CreateCall(&Body, Arguments);
    Call->setTailCallKind(TailCall);
    wamr::createReturn(B, Call);

    B.SetInsertPoint(Overflow);
    wamr::createRaise(B, Entry, EXCE_NATIVE_STACK_OVERFLOW);
    wamr::createReturn(B, nullptr);

    if (DL.getPointerSize() == 8)
        Entry.removeFnAttr(Attribute::NoInline);
}

void
moveSlotsToFrame(Function &F)
{
    if (F.isDeclaration())
        return;
    Instruction *Rest = &F.getEntryBlock().front();
    while (isa<AllocaInst>(Rest))
        Rest = Rest->getNextNode();
    SmallVector<AllocaInst *, 8> Slots;
    for (Instruction &I : instructions(F))
        if (auto *Slot = dyn_cast<AllocaInst>(&I))
            if (isa<ConstantInt>(Slot->getArraySize()))
                Slots.push_back(Slot);
    for (AllocaInst *Slot : Slots)
        Slot->moveBefore(Rest);
}

} // namespace

PreservedAnalyses
StackChecksPass::run(Module &M, ModuleAnalysisManager &)
{
    for (Function &F : M)
        moveSlotsToFrame(F);
    GlobalVariable *Sizes =
        M.getGlobalVariable(AOT_STACK_SIZES_NAME, /*AllowInternal=*/true);
    if (!Sizes)
        return PreservedAnalyses::none();
    for (Function &Body : M) {
        StringRef Number = Body.getName();
        unsigned Index;
        if (!Number.consume_front(AOT_FUNC_INTERNAL_PREFIX)
            || Number.getAsInteger(10, Index))
            continue;
        if (Function *Entry = M.getFunction((AOT_FUNC_PREFIX + Number).str()))
            rebuild(*Entry, Body, *Sizes, Index);
    }
    return PreservedAnalyses::none();
}
