// SPDX-License-Identifier: Apache-2.0
//
// Where the terminate flag is checked:
//
// - At the head of every loop, but for those that end within `Budget`
//   instructions. Loops are found by their back edges, so that cycles which
//   are no natural loops are covered too.
// - On entry to every function that can be active twice. A call in tail
//   position takes no stack, so no stack check ends such a recursion.
//
// A check that finds the flag raises an exception and returns. WAMR tests for
// an exception after every call, and so every caller returns too.

#include "passes.h"
#include "wamr_layout.h"

#include <llvm/ADT/SCCIterator.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/Analysis/CallGraph.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include "aot_llvm.h"
#include "../aot/aot_runtime.h"

using namespace llvm;

namespace {

// Most instructions that may run without a check in a loop: some ten
// microseconds on a PC, a few milliseconds on the slowest boards.
constexpr uint64_t Budget = 1 << 14;

// The functions that can be active twice. An indirect call can reach any
// function, so whatever leads to one is counted.
DenseSet<const Function *>
recursiveFunctions(Module &M)
{
    DenseSet<const Function *> Recursive, Indirect;
    CallGraph Graph(M);
    for (auto It = scc_begin(&Graph); !It.isAtEnd(); ++It) {
        bool Cycle = It.hasCycle(), ReachesIndirect = false;
        for (CallGraphNode *Node : *It)
            for (auto &Call : *Node) {
                const Function *Callee = Call.second->getFunction();
                ReachesIndirect |= !Callee || Indirect.contains(Callee)
                                   || Callee->getName() == "aot_call_indirect";
            }
        for (CallGraphNode *Node : *It) {
            const Function *F = Node->getFunction();
            if (!F || F->isDeclaration())
                continue;
            if (ReachesIndirect)
                Indirect.insert(F);
            if (Cycle || ReachesIndirect)
                Recursive.insert(F);
        }
    }
    return Recursive;
}

// Whether an instruction can take long by itself.
bool
isLong(const Instruction &I)
{
    if (auto *Memory = dyn_cast<MemIntrinsic>(&I))
        return !isa<ConstantInt>(Memory->getLength());
    return isa<CallBase>(I) && !isa<IntrinsicInst>(I);
}

// The loops that end within the budget.
SmallPtrSet<const Loop *, 8>
shortLoops(LoopInfo &LI, ScalarEvolution &SE)
{
    SmallPtrSet<const Loop *, 8> Short;
    DenseMap<const Loop *, uint64_t> Cost;
    auto Loops = LI.getLoopsInPreorder();
    // Inner loops first.
    for (Loop *L : reverse(Loops)) {
        bool Long = false;
        uint64_t Once = 0;
        for (BasicBlock *BB : L->blocks()) {
            if (LI.getLoopFor(BB) != L)
                continue;
            for (Instruction &I : *BB)
                Long |= isLong(I);
            Once += BB->size();
        }
        for (Loop *Inner : *L)
            Once = SaturatingAdd(Once, Cost[Inner]);
        uint64_t All = SaturatingMultiply(
            Once, (uint64_t)SE.getSmallConstantMaxTripCount(L));
        if (!Long && All != 0 && All <= Budget)
            Short.insert(L);
        // A loop with a check of its own runs once between two checks.
        Cost[L] = Short.contains(L) ? All : Once;
    }
    return Short;
}

class Checks
{
    Function &F;
    const DataLayout &DL;
    IRBuilder<> B;
    BasicBlock *Killed = nullptr;

  public:
    explicit Checks(Function &F)
      : F(F)
      , DL(F.getParent()->getDataLayout())
      , B(F.getContext())
    {}

    void insert(BasicBlock *At)
    {
        Instruction *Before = &*At->getFirstInsertionPt();
        while (isa<AllocaInst>(Before))
            Before = Before->getNextNode();
        B.SetInsertPoint(Before);
        LoadInst *Flags = B.CreateAlignedLoad(
            B.getInt32Ty(), field(wamr::ExecEnvSuspendFlags), Align(4));
        // Another thread sets it.
        Flags->setAtomic(AtomicOrdering::Monotonic);
        Value *Set =
            B.CreateIsNotNull(B.CreateAnd(Flags, wamr::TerminateFlag));
        BasicBlock *Alive = At->splitBasicBlock(Before, "alive");
        At->getTerminator()->eraseFromParent();
        B.SetInsertPoint(At);
        B.CreateCondBr(Set, killed(), Alive, rarely());
    }

  private:
    // The address of a field of the environment.
    Value *field(unsigned Index)
    {
        return B.CreateConstInBoundsGEP1_32(
            B.getInt8Ty(), F.getArg(0), Index * DL.getPointerSize());
    }

    MDNode *rarely()
    {
        return MDBuilder(F.getContext()).createBranchWeights(1, 1 << 20);
    }

    // Where checks go when the flag is set.
    BasicBlock *killed()
    {
        if (Killed)
            return Killed;
        IRBuilderBase::InsertPointGuard Guard(B);
        LLVMContext &C = F.getContext();
        Killed = BasicBlock::Create(C, "killed", &F);
        BasicBlock *Raise = BasicBlock::Create(C, "raise", &F);
        BasicBlock *Return = BasicBlock::Create(C, "return", &F);

        // Whoever set the flag may have said why.
        B.SetInsertPoint(Killed);
        Value *Instance = B.CreateLoad(B.getPtrTy(), field(wamr::ExecEnvInstance));
        Value *Exception = B.CreateConstInBoundsGEP1_32(
            B.getInt8Ty(), Instance, offsetof(AOTModuleInstance, cur_exception));
        B.CreateCondBr(B.CreateIsNull(B.CreateLoad(B.getInt8Ty(), Exception)),
                       Raise, Return);

        B.SetInsertPoint(Raise);
        FunctionCallee Function = F.getParent()->getOrInsertFunction(
            wamr::RaiseException, B.getVoidTy(), B.getPtrTy(), B.getInt32Ty());
        // A number beyond the last: "unknown exception".
        B.CreateCall(Function, { Instance, B.getInt32(EXCE_NUM) });
        B.CreateBr(Return);

        B.SetInsertPoint(Return);
        if (F.getReturnType()->isVoidTy())
            B.CreateRetVoid();
        else
            B.CreateRet(Constant::getNullValue(F.getReturnType()));
        return Killed;
    }
};

} // namespace

PreservedAnalyses
KillChecksPass::run(Module &M, ModuleAnalysisManager &MAM)
{
    auto &FAM = MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
    auto Recursive = recursiveFunctions(M);
    for (Function &F : M) {
        if (!wamr::isBody(F))
            continue;
        auto &LI = FAM.getResult<LoopAnalysis>(F);
        auto Short = shortLoops(LI, FAM.getResult<ScalarEvolutionAnalysis>(F));

        SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 16> Back;
        FindFunctionBackedges(F, Back);
        SmallSetVector<BasicBlock *, 16> Heads;
        for (auto [From, To] : Back) {
            Loop *L = LI.getLoopFor(To);
            bool Natural = L && L->getHeader() == To && L->contains(From);
            if (!Natural || !Short.contains(L))
                Heads.insert(const_cast<BasicBlock *>(To));
        }
        if (Recursive.contains(&F))
            Heads.insert(&F.getEntryBlock());
        Checks Checks(F);
        for (BasicBlock *Head : Heads)
            Checks.insert(Head);
    }
    return PreservedAnalyses::none();
}
