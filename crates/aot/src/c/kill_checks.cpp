// SPDX-License-Identifier: Apache-2.0
//
// What is checked, and where:
//
// - A loop that calls nothing counts down the instructions of each turn in a
//   register, and looks at the terminate flag when `Budget` of them are used
//   up. Loops inside each other share the count. A loop that is known to end
//   within the budget does not count; its instructions are part of a turn of
//   the loop around it.
// - A loop that calls something looks at the flag in each turn, and so does a
//   cycle that is no natural loop. Cycles are found by their back edges, so
//   none is forgotten.
// - A function that can be active twice looks at the flag on entry. (A call in
//   tail position takes no stack, so stack checks would not end it.) A loop that
//   calls such a function in each turn needs no check of its own.
//
// LLVM must not find out before the checks are in what they make wrong: that a
// body without end does not return, that one changes nothing, or that it has no
// use for the exec_env, through which the flag is found. So each body with a
// cycle, or that can become one, begins with an instruction that nothing is known
// of: given the exec_env, it may return at once. In the end it is taken out.
//
// Where the flag is set, an exception is raised and the function returns. WAMR
// tests for an exception after every call, and so every caller returns too. Where
// another flag is set, the runtime is called, which holds the guest as long as it
// is to be held.

#include "passes.h"
#include "wamr_layout.h"

#include <llvm/ADT/SCCIterator.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/Analysis/CallGraph.h>
#include <llvm/Analysis/InstructionSimplify.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

#include "aot_llvm.h"
#include "../aot/aot_runtime.h"

#include "optimise.h"

using namespace llvm;

namespace {

// Most instructions that loops run between two looks at the flag: some ten
// microseconds on a PC, a few milliseconds on the slowest boards.
constexpr uint64_t Budget = 1 << 14;

using Functions = DenseSet<const Function *>;

// The functions that can be active twice. An indirect call can reach any
// function, so whatever leads to one is counted.
Functions
recursiveFunctions(Module &M)
{
    Functions Recursive, Indirect;
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
takesLong(const Instruction &I)
{
    if (auto *Memory = dyn_cast<MemIntrinsic>(&I))
        return !isa<ConstantInt>(Memory->getLength());
    return isa<CallBase>(I) && !isa<IntrinsicInst>(I);
}

// What is to be known of a function's loops.
class Loops
{
    struct Facts {
        // Instructions of one turn, those of short loops inside included.
        uint64_t Turn = 0;
        bool Short = false;
        bool Long = false;
    };
    DenseMap<const Loop *, Facts> All;

  public:
    Loops(LoopInfo &LI, ScalarEvolution &SE)
    {
        auto Order = LI.getLoopsInPreorder();
        for (Loop *L : reverse(Order)) {
            Facts Found;
            for (BasicBlock *BB : L->blocks()) {
                if (LI.getLoopFor(BB) != L)
                    continue;
                Found.Turn += BB->size();
                for (Instruction &I : *BB)
                    Found.Long |= takesLong(I);
            }
            for (Loop *Inner : *L) {
                Facts In = All.lookup(Inner);
                Found.Long |= In.Long;
                Found.Turn = SaturatingAdd(Found.Turn, In.Turn);
            }
            uint64_t Turns = SE.getSmallConstantMaxTripCount(L);
            uint64_t Whole = SaturatingMultiply(Found.Turn, Turns);
            Found.Short = !Found.Long && Turns != 0 && Whole <= Budget;
            if (Found.Short)
                Found.Turn = Whole;
            All[L] = Found;
        }
    }

    // Ends within the budget.
    bool isShort(const Loop *L) const { return All.lookup(L).Short; }

    // Calls something, or does something else of unknown length.
    bool isLong(const Loop *L) const { return All.lookup(L).Long; }

    unsigned turn(const Loop *L) const
    {
        return std::min(All.lookup(L).Turn, Budget);
    }
};

class Checks
{
    Function &F;
    IRBuilder<> B;
    AllocaInst *Counter = nullptr;
    BasicBlock *Killed = nullptr;

  public:
    explicit Checks(Function &F)
      : F(F)
      , B(F.getContext())
    {}

    // Looks at the flag when control comes to this block.
    void look(BasicBlock *At)
    {
        Instruction *Before = &*At->getFirstInsertionPt();
        while (isa<AllocaInst>(Before))
            Before = Before->getNextNode();
        BasicBlock *Alive = At->splitBasicBlock(Before, "alive");
        At->getTerminator()->eraseFromParent();
        B.SetInsertPoint(At);
        branchIfKilled(Alive);
    }

    // Begins to count on entry to this loop, which is in no other that counts.
    void startCounting(const Loop *L)
    {
        if (!Counter) {
            B.SetInsertPointPastAllocas(&F);
            Counter = B.CreateAlloca(B.getInt32Ty());
        }
        for (BasicBlock *From : predecessors(L->getHeader()))
            if (!L->contains(From)) {
                B.SetInsertPoint(From->getTerminator());
                B.CreateStore(B.getInt32(Budget), Counter);
            }
    }

    // Counts one turn of a loop on this back edge.
    void count(BasicBlock *From, BasicBlock *Head, unsigned Turn)
    {
        BasicBlock *Edge = SplitEdge(From, Head);
        BasicBlock *Expired = BasicBlock::Create(F.getContext(), "expired", &F);
        BasicBlock *Alive = SplitBlock(Edge, Edge->getTerminator());
        Edge->getTerminator()->eraseFromParent();
        B.SetInsertPoint(Edge);
        Value *Left = B.CreateSub(B.CreateLoad(B.getInt32Ty(), Counter),
                                  B.getInt32(Turn));
        B.CreateStore(Left, Counter);
        B.CreateCondBr(B.CreateICmpSLT(Left, B.getInt32(0)), Expired, Alive,
                       wamr::rarely(F.getContext()));
        B.SetInsertPoint(Expired);
        B.CreateStore(B.getInt32(Budget), Counter);
        branchIfKilled(Alive);
    }

    // Puts the counter into a register.
    void finish()
    {
        if (!Counter)
            return;
        DominatorTree DT(F);
        PromoteMemToReg({ Counter }, DT);
    }

  private:
    void branchIfKilled(BasicBlock *Alive)
    {
        LLVMContext &C = F.getContext();
        BasicBlock *Asked = BasicBlock::Create(C, "asked", &F);
        BasicBlock *Held = BasicBlock::Create(C, "held", &F);
        B.CreateCondBr(B.CreateIsNotNull(flags()), Asked, Alive,
                       wamr::rarely(C));

        // What ends the guest first: a runtime that can't hold one sets nothing else.
        B.SetInsertPoint(Asked);
        B.CreateCondBr(isTerminate(flags()), killed(), Held);

        B.SetInsertPoint(Held);
        wamr::createHold(B, F);
        B.CreateCondBr(isTerminate(flags()), killed(), Alive);
    }

    Value *flags()
    {
        // Volatile: another thread sets it.
        return B.CreateLoad(
            B.getInt8Ty(),
            wamr::field(B, F.getArg(0), wamr::ExecEnvSuspendFlags),
            /*isVolatile=*/true);
    }

    Value *isTerminate(Value *Flags)
    {
        return B.CreateIsNotNull(B.CreateAnd(Flags, wamr::TerminateFlag));
    }

    // Where control goes when the flag is set.
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
        Value *Instance = B.CreateLoad(
            B.getPtrTy(), wamr::field(B, F.getArg(0), wamr::ExecEnvInstance));
        Value *Exception = B.CreateConstInBoundsGEP1_32(
            B.getInt8Ty(), Instance, offsetof(AOTModuleInstance, cur_exception));
        B.CreateCondBr(B.CreateIsNull(B.CreateLoad(B.getInt8Ty(), Exception)),
                       Raise, Return);

        // A number beyond the last: "unknown exception".
        B.SetInsertPoint(Raise);
        wamr::createRaise(B, F, EXCE_NUM);
        B.CreateBr(Return);

        B.SetInsertPoint(Return);
        wamr::createReturn(B, nullptr);
        return Killed;
    }
};

// Whether each turn of the loop calls a function that looks at the flag. Its
// entry may have been inlined; then the body is called.
bool
callsChecked(const Loop *L, const Functions &Checked, const DominatorTree &DT)
{
    SmallVector<BasicBlock *, 4> Latches;
    L->getLoopLatches(Latches);
    for (BasicBlock *BB : L->blocks()) {
        if (!all_of(Latches, [&](BasicBlock *Latch) {
                return DT.dominates(BB, Latch);
            }))
            continue;
        for (Instruction &I : *BB)
            if (auto *Call = dyn_cast<CallInst>(&I))
                if (Function *Callee = Call->getCalledFunction())
                    if (Checked.contains(Callee))
                        return true;
    }
    return false;
}

void
insertChecks(Function &F, const Functions &Recursive, LoopInfo &LI,
             ScalarEvolution &SE, const DominatorTree &DT)
{
    Loops Facts(LI, SE);
    SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 16> Back;
    FindFunctionBackedges(F, Back);

    SmallSetVector<BasicBlock *, 16> Looks;
    struct Turn {
        BasicBlock *From, *Head;
        unsigned Instructions;
    };
    SmallVector<Turn, 16> Turns;
    SmallSetVector<const Loop *, 8> Nests;
    for (auto [FromConst, HeadConst] : Back) {
        auto *From = const_cast<BasicBlock *>(FromConst);
        auto *Head = const_cast<BasicBlock *>(HeadConst);
        const Loop *L = LI.getLoopFor(Head);
        if (!L || L->getHeader() != Head || !L->contains(From)) {
            Looks.insert(Head);
        }
        else if (Facts.isLong(L)) {
            if (!callsChecked(L, Recursive, DT))
                Looks.insert(Head);
        }
        else if (!Facts.isShort(L)) {
            Turns.push_back({ From, Head, Facts.turn(L) });
            while (L->getParentLoop() && !Facts.isLong(L->getParentLoop()))
                L = L->getParentLoop();
            Nests.insert(L);
        }
    }
    if (Recursive.contains(&F))
        Looks.insert(&F.getEntryBlock());

    Checks Checks(F);
    for (const Loop *Nest : Nests)
        Checks.startCounting(Nest);
    for (auto [From, Head, Instructions] : Turns)
        Checks.count(From, Head, Instructions);
    for (BasicBlock *At : Looks)
        Checks.look(At);
    Checks.finish();
}

bool
hasCycle(const Function &F)
{
    SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 16> Back;
    FindFunctionBackedges(F, Back);
    return !Back.empty();
}

// Whether to return at once, for all that LLVM knows.
InlineAsm *
perhaps(LLVMContext &C)
{
    auto *Type = FunctionType::get(Type::getInt1Ty(C), { PointerType::get(C, 0) },
                                   /*isVarArg=*/false);
    return InlineAsm::get(Type, "", "=r,r", /*hasSideEffects=*/true);
}

void
perhapsReturn(Function &F)
{
    BasicBlock &Entry = F.getEntryBlock();
    Instruction *First = &*Entry.getFirstInsertionPt();
    while (isa<AllocaInst>(First))
        First = First->getNextNode();
    BasicBlock *Rest = Entry.splitBasicBlock(First, "rest");
    BasicBlock *Return = BasicBlock::Create(F.getContext(), "at_once", &F);
    Entry.getTerminator()->eraseFromParent();
    IRBuilder<> B(&Entry);
    Value *Perhaps = B.CreateCall(perhaps(F.getContext()), { F.getArg(0) });
    B.CreateCondBr(Perhaps, Return, Rest, wamr::rarely(F.getContext()));
    B.SetInsertPoint(Return);
    wamr::createReturn(B, nullptr);
}

// Takes out what perhapsReturn() has put in, wherever it is now.
void
neverReturnAtOnce(Module &M)
{
    SmallSetVector<Function *, 16> Changed;
    for (User *U : make_early_inc_range(perhaps(M.getContext())->users())) {
        auto *Call = cast<CallInst>(U);
        Changed.insert(Call->getFunction());
        replaceAndRecursivelySimplify(Call, ConstantInt::getFalse(M.getContext()));
        if (Call->getParent())
            Call->eraseFromParent();
    }
    for (Function *F : Changed) {
        for (BasicBlock &BB : *F)
            ConstantFoldTerminator(&BB);
        removeUnreachableBlocks(*F);
        for (BasicBlock &BB : make_early_inc_range(*F))
            MergeBlockIntoPredecessor(&BB);
    }
}

} // namespace

PreservedAnalyses
KillNeedsPass::run(Module &M, ModuleAnalysisManager &)
{
    auto Recursive = recursiveFunctions(M);
    for (Function &F : M)
        if (wamr::isBody(F) && wamr::hasExecEnv(F)
            && (hasCycle(F) || Recursive.contains(&F)))
            perhapsReturn(F);
    return PreservedAnalyses::none();
}

PreservedAnalyses
KillChecksPass::run(Module &M, ModuleAnalysisManager &MAM)
{
    auto &FAM = MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
    neverReturnAtOnce(M);
    auto Recursive = recursiveFunctions(M);
    for (Function &F : M) {
        if (!wamr::isBody(F))
            continue;
        if (wamr::hasExecEnv(F))
            insertChecks(F, Recursive, FAM.getResult<LoopAnalysis>(F),
                         FAM.getResult<ScalarEvolutionAnalysis>(F),
                         FAM.getResult<DominatorTreeAnalysis>(F));
        else if (hasCycle(F))
            ocre_aot_optimise.unchecked++;
    }
    return PreservedAnalyses::none();
}
