// SPDX-License-Identifier: Apache-2.0
#include "look.h"
#include "wamr_layout.h"

#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

#include "aot_llvm.h"
#include "../aot/aot_runtime.h"

using namespace llvm;

namespace {

// Most instructions of a function between a call that ended the guest and its
// own return.
constexpr unsigned ReturnSteps = 64;

bool
readsFlags(const Value *V)
{
    auto *Load = dyn_cast<LoadInst>(V);
    if (!Load || !Load->isVolatile() || !Load->getType()->isIntegerTy(8))
        return false;
    const Function &F = *Load->getFunction();
    const DataLayout &DL = F.getParent()->getDataLayout();
    uint64_t Offset;
    return wamr::hasExecEnv(F)
           && wamr::baseOf(Load->getPointerOperand(), DL, Offset) == F.getArg(0)
           && Offset == wamr::ExecEnvSuspendFlags * DL.getPointerSize();
}

// The successor that a branch takes if a value is not zero.
const BasicBlock *
nonzeroSide(const BranchInst *Branch, function_ref<bool(const Value *)> IsValue)
{
    if (!Branch || !Branch->isConditional())
        return nullptr;
    auto *Compare = dyn_cast<ICmpInst>(Branch->getCondition());
    if (!Compare || !Compare->isEquality() || !IsValue(Compare->getOperand(0)))
        return nullptr;
    auto *Zero = dyn_cast<ConstantInt>(Compare->getOperand(1));
    if (!Zero || !Zero->isZero())
        return nullptr;
    return Branch->getSuccessor(
        Compare->getPredicate() == CmpInst::ICMP_NE ? 0 : 1);
}

// Tells whether a call raises an exception or holds the guest.
bool
callsRaise(const Instruction &I)
{
    auto *Call = dyn_cast<CallInst>(&I);
    const Function *Callee = Call ? Call->getCalledFunction() : nullptr;
    return Callee && Callee->getName() == wamr::RaiseException;
}

// Tells whether a block leads to a return in a few instructions that neither
// branch back nor call anything but what raises an exception.
bool
returnsSoon(const BasicBlock *BB, unsigned Depth = 0)
{
    if (Depth > 12 || BB->size() > ReturnSteps)
        return false;
    for (const Instruction &I : *BB)
        if (isa<CallBase>(I) && !isa<IntrinsicInst>(I) && !callsRaise(I))
            return false;
    const Instruction *End = BB->getTerminator();
    if (isa<ReturnInst>(End))
        return true;
    auto *Branch = dyn_cast<BranchInst>(End);
    return Branch && all_of(Branch->successors(), [&](const BasicBlock *Next) {
               return returnsSoon(Next, Depth + 1);
           });
}

// The block that the terminate flag leads to, if this branch tests it.
const BasicBlock *
terminateSide(const BasicBlock *BB)
{
    return nonzeroSide(
        dyn_cast<BranchInst>(BB->getTerminator()), [&](const Value *V) {
            auto *And = dyn_cast<BinaryOperator>(V);
            if (!And || And->getOpcode() != Instruction::And)
                return false;
            auto *Mask = dyn_cast<ConstantInt>(And->getOperand(1));
            auto *Load = dyn_cast<LoadInst>(And->getOperand(0));
            return Mask && Mask->getZExtValue() == wamr::TerminateFlag && Load
                   && Load->getParent() == BB && readsFlags(Load);
        });
}

} // namespace

bool
isLook(const Instruction &I)
{
    if (!readsFlags(&I))
        return false;
    const BasicBlock *Asked =
        nonzeroSide(dyn_cast<BranchInst>(I.getParent()->getTerminator()),
                    [&](const Value *V) { return V == &I; });
    if (!Asked)
        return false;
    const BasicBlock *Killed = terminateSide(Asked);
    return Killed && returnsSoon(Killed);
}

bool
raises(const Instruction &I)
{
    if (!callsRaise(I))
        return false;
    auto *Number = dyn_cast<ConstantInt>(cast<CallInst>(I).getArgOperand(1));
    return Number && Number->getZExtValue() != wamr::HoldNumber;
}

bool
endsAfter(const CallBase &Call)
{
    const DataLayout &DL = Call.getModule()->getDataLayout();
    const Instruction *I = &Call;
    for (unsigned Steps = 0; Steps < ReturnSteps; Steps++) {
        if (!I->isTerminator()) {
            I = I->getNextNode();
            if (isa<CallBase>(I) && !isa<IntrinsicInst>(I))
                return false;
            continue;
        }
        if (isa<ReturnInst>(I))
            return true;
        auto *Branch = dyn_cast<BranchInst>(I);
        if (!Branch)
            return false;
        // The flag is still set.
        if (any_of(*I->getParent(), isLook))
            return true;
        if (Branch->isUnconditional()) {
            I = &Branch->getSuccessor(0)->front();
            continue;
        }
        if (const BasicBlock *Set =
                nonzeroSide(Branch, [&](const Value *V) {
                    return wamr::isException(V, DL);
                }))
            return returnsSoon(Set);
        // The result of a call of the host tells if there is an exception.
        if (const BasicBlock *Fine = nonzeroSide(
                Branch, [&](const Value *V) { return V == &Call; }))
            return returnsSoon(
                Branch->getSuccessor(Branch->getSuccessor(0) == Fine ? 1 : 0));
        return false;
    }
    return false;
}

Looks::Looks(Function &F)
  : F(F)
  , B(F.getContext())
{}

void
Looks::look(Instruction *Before)
{
    BasicBlock *At = Before->getParent();
    BasicBlock *Alive = At->splitBasicBlock(Before, "alive");
    At->getTerminator()->eraseFromParent();
    lookAndGo(At, Alive);
}

void
Looks::lookAndGo(BasicBlock *From, BasicBlock *Alive)
{
    LLVMContext &C = F.getContext();
    B.SetInsertPoint(From);
    BasicBlock *Asked = BasicBlock::Create(C, "asked", &F);
    BasicBlock *Held = BasicBlock::Create(C, "held", &F);
    B.CreateCondBr(B.CreateIsNotNull(flags()), Asked, Alive, wamr::rarely(C));

    // The terminate flag first: a runtime that can't hold a guest sets no other one.
    B.SetInsertPoint(Asked);
    B.CreateCondBr(isTerminate(flags()), killed(), Held);

    B.SetInsertPoint(Held);
    wamr::createHold(B, F);
    B.CreateCondBr(isTerminate(flags()), killed(), Alive);
    for (PHINode &Phi : Alive->phis()) {
        Value *Incoming = Phi.getIncomingValueForBlock(From);
        Phi.addIncoming(Incoming, Held);
    }
}

void
Looks::testException(Instruction *Before, Value *Instance)
{
    B.SetInsertPoint(Before);
    leaveIf(Before, B.CreateIsNotNull(wamr::loadException(B, Instance)),
            returning());
}

void
Looks::testResult(Instruction *Before, Value *Result)
{
    B.SetInsertPoint(Before);
    leaveIf(Before, B.CreateIsNull(Result), returning());
}

void
Looks::raiseIf(Instruction *Before, Value *Condition, uint32_t Exception)
{
    BasicBlock *Raise = BasicBlock::Create(F.getContext(), "fails", &F);
    B.SetInsertPoint(Raise);
    wamr::createRaise(B, F, Exception);
    B.CreateBr(returning());
    leaveIf(Before, Condition, Raise);
}

void
Looks::leaveIf(Instruction *Before, Value *Condition, BasicBlock *To)
{
    BasicBlock *At = Before->getParent();
    BasicBlock *Rest = At->splitBasicBlock(Before, "rest");
    At->getTerminator()->eraseFromParent();
    B.SetInsertPoint(At);
    B.CreateCondBr(Condition, To, Rest, wamr::rarely(F.getContext()));
}

Value *
Looks::flags()
{
    // Volatile: another thread sets it.
    return B.CreateLoad(B.getInt8Ty(),
                        wamr::field(B, F.getArg(0), wamr::ExecEnvSuspendFlags),
                        /*isVolatile=*/true);
}

Value *
Looks::isTerminate(Value *Flags)
{
    return B.CreateIsNotNull(B.CreateAnd(Flags, wamr::TerminateFlag));
}

// The block that returns zeros.
BasicBlock *
Looks::returning()
{
    if (!Return) {
        IRBuilderBase::InsertPointGuard Guard(B);
        Return = BasicBlock::Create(F.getContext(), "return", &F);
        B.SetInsertPoint(Return);
        wamr::createReturn(B, nullptr);
    }
    return Return;
}

// The block that control goes to when the terminate flag is set.
BasicBlock *
Looks::killed()
{
    if (Killed)
        return Killed;
    IRBuilderBase::InsertPointGuard Guard(B);
    LLVMContext &C = F.getContext();
    Killed = BasicBlock::Create(C, "killed", &F);
    BasicBlock *Raise = BasicBlock::Create(C, "raise", &F);

    // The reason may be set already, by the thread that set the flag.
    B.SetInsertPoint(Killed);
    Value *Instance = B.CreateLoad(
        B.getPtrTy(), wamr::field(B, F.getArg(0), wamr::ExecEnvInstance));
    B.CreateCondBr(B.CreateIsNull(wamr::loadException(B, Instance)), Raise,
                   returning());

    // A number beyond the last: "unknown exception".
    B.SetInsertPoint(Raise);
    wamr::createRaise(B, F, EXCE_NUM);
    B.CreateBr(returning());
    return Killed;
}
