// SPDX-License-Identifier: Apache-2.0
//
// Looks at the terminate flag are placed so that no path through a module does
// much work without one (path_work.h says how that is counted):
//
// - A loop that calls nothing counts down the work of each turn in a register, and
//   looks when `CounterStart` of it is used up. Loops inside each other share the
//   count. A loop that is known to end within that much does not count; its work is
//   part of a turn of the loop around it.
// - A loop that calls something looks in each turn, unless what it calls in each
//   turn looks; so does a cycle that is no natural loop. Cycles are found by their
//   back edges, so none is forgotten.
// - A function that can be active twice looks on entry, and before its return if
//   it does much after a recursive call.
// - Long operations on memory and tables are split, with a look before each piece.
// - Where work on any path still adds up to more than `WorkBeforeLook`, over calls
//   of functions and loops, there is a look before it.
//
// Until the checks are in, LLVM must not infer facts that they make wrong: that a
// body without end does not return, that one changes nothing, or that it has no
// use for the exec_env, through which the flag is found. So each body that may get
// a look begins with an instruction that LLVM knows nothing about: given the
// exec_env, it may return at once. The last step removes it.
//
// Where the flag is set, an exception is raised and the function returns. After
// each call that can end so there is a test for an exception: WAMR's, or, where LLVM
// has removed that, one of this pass. Where another flag is set, the runtime is
// called, which holds the guest as long as it is to be held.

#include "passes.h"
#include "bulk_pieces.h"
#include "look.h"
#include "path_work.h"
#include "wamr_layout.h"

#include <llvm/Analysis/CFG.h>
#include <llvm/Analysis/InstructionSimplify.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

using namespace llvm;

namespace {

// Bodies with more work than this, before any is optimised, may get a look.
constexpr int64_t MayNeedLook = WorkBeforeLook / 32;

// Work that counting a turn adds to it.
constexpr int64_t CountingWork = 8;

// Loops of a function: the work of a turn, and how each is to be ended.
class Loops
{
    struct Facts {
        // Work of one turn, that of short loops inside included.
        int64_t Turn = 0;
        bool Calls = false;
        // Calls a function with a look, or contains a long operation.
        bool Long = false;
        // Counts as a whole, as do all loops inside.
        bool Short = false;
    };
    DenseMap<const Loop *, Facts> All;

  public:
    Loops(const PathWork &Work, LoopInfo &LI, ScalarEvolution &SE,
          LazyValueInfo &LVI)
    {
        auto Order = LI.getLoopsInPreorder();
        for (Loop *L : reverse(Order)) {
            Facts Found;
            for (BasicBlock *BB : L->blocks())
                if (LI.getLoopFor(BB) == L)
                    for (Instruction &I : *BB)
                        add(Work, I, LVI, Found);
            bool Counted = false;
            for (Loop *Inner : *L) {
                Facts In = All.lookup(Inner);
                Counted |= !In.Short;
                Found.Long |= In.Long;
                Found.Calls |= In.Calls;
                Found.Turn = std::min(Found.Turn + In.Turn, Unbounded);
            }
            uint64_t Turns = SE.getSmallConstantMaxTripCount(L);
            uint64_t Whole = SaturatingMultiply(uint64_t(Found.Turn), Turns);
            Found.Long |= Found.Turn > CounterStart - CountingWork;
            Found.Short = !Found.Long && !Counted && Turns != 0
                          && Whole <= uint64_t(WholeLoopWork);
            if (Found.Short)
                Found.Turn = Whole;
            All[L] = Found;
        }
    }

    bool isShort(const Loop *L) const { return All.lookup(L).Short; }

    // Looks in each turn.
    bool looks(const Loop *L) const
    {
        Facts F = All.lookup(L);
        return F.Long || (F.Calls && !F.Short);
    }

    int64_t turn(const Loop *L) const { return All.lookup(L).Turn; }

  private:
    static void add(const PathWork &Work, const Instruction &I,
                    LazyValueInfo &LVI, Facts &Found)
    {
        Found.Turn =
            std::min(Found.Turn + work(I, Work.sizes(), LVI), Unbounded);
        auto *Call = dyn_cast<CallBase>(&I);
        if (!Call || isa<IntrinsicInst>(Call))
            return;
        Found.Calls = true;
        auto Called = Work.called(*Call);
        Found.Long |= Work.isRecursiveCall(*Call) || Work.canEnd(*Call);
        if (Called)
            Found.Turn = std::min(
                Found.Turn + std::max<int64_t>(Called->Through, 0), Unbounded);
    }
};

// Counts the turns of a function's loops in one register.
class Counter
{
    Function &F;
    Looks &Look;
    IRBuilder<> B;
    AllocaInst *Slot = nullptr;

  public:
    Counter(Function &F, Looks &Look)
      : F(F)
      , Look(Look)
      , B(F.getContext())
    {}

    // Begins to count on entry to this loop, which is in no other that counts.
    void start(const Loop *L)
    {
        if (!Slot) {
            B.SetInsertPointPastAllocas(&F);
            Slot = B.CreateAlloca(B.getInt32Ty());
        }
        for (BasicBlock *From : predecessors(L->getHeader()))
            if (!L->contains(From)) {
                B.SetInsertPoint(From->getTerminator());
                B.CreateStore(B.getInt32(CounterStart), Slot);
            }
    }

    // Counts one turn of a loop on this back edge.
    void count(BasicBlock *From, BasicBlock *Head, int64_t Turn)
    {
        BasicBlock *Edge = SplitEdge(From, Head);
        BasicBlock *Expired = BasicBlock::Create(F.getContext(), "expired", &F);
        BasicBlock *Alive = SplitBlock(Edge, Edge->getTerminator());
        Edge->getTerminator()->eraseFromParent();
        B.SetInsertPoint(Edge);
        Value *Left =
            B.CreateSub(B.CreateLoad(B.getInt32Ty(), Slot), B.getInt32(Turn));
        B.CreateStore(Left, Slot);
        B.CreateCondBr(B.CreateICmpSLT(Left, B.getInt32(0)), Expired, Alive,
                       wamr::rarely(F.getContext()));
        B.SetInsertPoint(Expired);
        B.CreateStore(B.getInt32(CounterStart), Slot);
        Look.lookAndGo(Expired, Alive);
    }

    // Puts the counter into a register.
    void finish()
    {
        if (!Slot)
            return;
        DominatorTree DT(F);
        PromoteMemToReg({ Slot }, DT);
    }
};

// Tells whether each turn of the loop calls a function that looks on every path. A
// function that is recursive with this one will look on its entry, which may have
// been inlined; then the body is called.
bool
callsChecked(const PathWork &Work, const Loop *L, const DominatorTree &DT)
{
    SmallVector<BasicBlock *, 4> Latches;
    L->getLoopLatches(Latches);
    for (BasicBlock *BB : L->blocks()) {
        if (!all_of(Latches, [&](BasicBlock *Latch) {
                return DT.dominates(BB, Latch);
            }))
            continue;
        for (Instruction &I : *BB) {
            auto *Call = dyn_cast<CallBase>(&I);
            if (!Call)
                continue;
            auto Called = Work.called(*Call);
            if (Called
                && (Work.isRecursiveCall(*Call)
                    || (Called->Ends && Called->Through == NoPath)))
                return true;
        }
    }
    return false;
}

void
placeInLoops(PathWork &Work, Function &F, FunctionAnalysisManager &FAM)
{
    LoopInfo &LI = FAM.getResult<LoopAnalysis>(F);
    Loops Facts(Work, LI, FAM.getResult<ScalarEvolutionAnalysis>(F),
                FAM.getResult<LazyValueAnalysis>(F));
    const DominatorTree &DT = FAM.getResult<DominatorTreeAnalysis>(F);
    SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 16> Back;
    FindFunctionBackedges(F, Back);

    SmallSetVector<BasicBlock *, 16> Heads;
    struct Turn {
        BasicBlock *From, *Head;
        int64_t Work;
    };
    SmallVector<Turn, 16> Turns;
    SmallSetVector<const Loop *, 8> Nests;
    for (auto [FromConst, HeadConst] : Back) {
        auto *From = const_cast<BasicBlock *>(FromConst);
        auto *Head = const_cast<BasicBlock *>(HeadConst);
        const Loop *L = LI.getLoopFor(Head);
        if (!L || L->getHeader() != Head || !L->contains(From)) {
            Heads.insert(Head);
        }
        else if (Facts.looks(L)) {
            if (!callsChecked(Work, L, DT))
                Heads.insert(Head);
        }
        else if (!Facts.isShort(L)) {
            Turns.push_back({ From, Head, Facts.turn(L) + CountingWork });
            while (L->getParentLoop() && !Facts.looks(L->getParentLoop()))
                L = L->getParentLoop();
            Nests.insert(L);
        }
    }
    if (Work.isRecursive(F) && wamr::isBody(F))
        Heads.insert(&F.getEntryBlock());

    Looks Look(F);
    Counter Count(F, Look);
    for (const Loop *Nest : Nests)
        Count.start(Nest);
    for (auto [From, Head, Work] : Turns)
        Count.count(From, Head, Work);
    for (BasicBlock *At : Heads) {
        Instruction *Before = &*At->getFirstInsertionPt();
        while (isa<AllocaInst>(Before))
            Before = Before->getNextNode();
        Look.look(Before);
    }
    Count.finish();
}

// Tests for an exception after calls that can end because of the flag, where LLVM
// has left no test.
void
placeTests(const PathWork &Work, Function &F)
{
    SmallVector<CallBase *, 8> Untested;
    for (Instruction &I : instructions(F))
        if (auto *Call = dyn_cast<CallBase>(&I))
            if ((Work.canEnd(*Call) || Work.isRecursiveCall(*Call))
                && !endsAfter(*Call))
                Untested.push_back(Call);
    Looks Look(F);
    for (CallBase *Call : Untested) {
        Instruction *Next = Call->getNextNode();
        IRBuilder<> B(Next);
        Value *Instance = B.CreateLoad(
            B.getPtrTy(), wamr::field(B, F.getArg(0), wamr::ExecEnvInstance));
        Look.testException(Next, Instance);
    }
}

void
forget(Function &F, FunctionAnalysisManager &FAM)
{
    FAM.invalidate(F, PreservedAnalyses::none());
}

// Places looks where paths still have too much work, and sums the function up.
WorkSummary
placeOnPaths(PathWork &Work, Function &F, FunctionAnalysisManager &FAM)
{
    WorkSummary Sum;
    for (unsigned Round = 0; Round < 8; Round++) {
        SmallVector<Instruction *, 8> Wanted;
        PathWork::Placer Place = [&](Instruction &I) {
            auto *Before = I.getPrevNode();
            auto *Call = dyn_cast_or_null<CallInst>(Before);
            if (!wamr::hasExecEnv(F) || (Call && Call->isMustTailCall()))
                return false;
            Wanted.push_back(&I);
            return true;
        };
        std::string Fault;
        Sum = Work.summary(F, &Place, Fault);
        if (Wanted.empty())
            break;
        Looks Look(F);
        for (Instruction *I : Wanted)
            Look.look(I);
        forget(F, FAM);
    }
    return Sum;
}

// Takes from a module's functions what LLVM has found out about them, and is no
// longer so where there is a look.
void
dropFacts(Module &M)
{
    static constexpr Attribute::AttrKind Facts[] = {
        Attribute::Memory,     Attribute::WillReturn, Attribute::NoSync,
        Attribute::NoFree,     Attribute::NoRecurse,  Attribute::NoReturn,
        Attribute::MustProgress, Attribute::Speculatable,
    };
    static constexpr Attribute::AttrKind PointerFacts[] = {
        Attribute::ReadNone, Attribute::ReadOnly, Attribute::WriteOnly,
        Attribute::NoCapture, Attribute::NoAlias, Attribute::NoFree,
    };
    auto Drop = [](auto &Of) {
        for (auto Fact : Facts)
            Of.removeFnAttr(Fact);
        for (unsigned I = 0; I < Of.arg_size(); I++)
            for (auto Fact : PointerFacts)
                Of.removeParamAttr(I, Fact);
    };
    for (Function &F : M) {
        if (F.isDeclaration())
            continue;
        Drop(F);
        for (Instruction &I : instructions(F))
            if (auto *Call = dyn_cast<CallBase>(&I))
                if (!Call->getCalledFunction()
                    || !Call->getCalledFunction()->isDeclaration())
                    Drop(*Call);
    }
}

bool
hasCycle(const Function &F)
{
    SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 16> Back;
    FindFunctionBackedges(F, Back);
    return !Back.empty();
}

// A condition for an immediate return that LLVM knows nothing about.
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

// Work of all instructions of a body, and of its callees, before any look.
int64_t
allWork(const PathWork &Work, const Function &F, LazyValueInfo &LVI)
{
    int64_t All = 0;
    for (const Instruction &I : instructions(F)) {
        All += work(I, Work.sizes(), LVI);
        if (auto *Call = dyn_cast<CallBase>(&I))
            if (auto Called = Work.called(*Call))
                All += std::max<int64_t>(Called->Through, 0);
        All = std::min(All, Unbounded);
    }
    return All;
}

} // namespace

PreservedAnalyses
KillNeedsPass::run(Module &M, ModuleAnalysisManager &MAM)
{
    auto &FAM = MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
    PathWork Work(M, FAM, Sizes);
    for (auto &Component : Work.components())
        for (Function *F : Component) {
            int64_t All = Work.isRecursive(*F) || hasCycle(*F)
                              ? Unbounded
                              : allWork(Work, *F,
                                        FAM.getResult<LazyValueAnalysis>(*F));
            WorkSummary Sum;
            Sum.Through = All;
            Work.set(*F, Sum);
            if (wamr::isBody(*F) && wamr::hasExecEnv(*F) && All > MayNeedLook) {
                perhapsReturn(*F);
                forget(*F, FAM);
            }
        }
    return PreservedAnalyses::none();
}

PreservedAnalyses
KillChecksPass::run(Module &M, ModuleAnalysisManager &MAM)
{
    auto &FAM = MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
    neverReturnAtOnce(M);
    for (Function &F : M) {
        if (F.isDeclaration() || !wamr::hasExecEnv(F))
            continue;
        forget(F, FAM);
        splitBulk(F, Sizes, FAM.getResult<LazyValueAnalysis>(F));
        forget(F, FAM);
    }
    PathWork Work(M, FAM, Sizes);
    for (auto &Component : Work.components()) {
        for (Function *F : Component) {
            if (!wamr::hasExecEnv(*F))
                continue;
            placeInLoops(Work, *F, FAM);
            placeTests(Work, *F);
            forget(*F, FAM);
        }
        sumUp(Work, Component,
              [&](Function &F) { return placeOnPaths(Work, F, FAM); });
    }
    dropFacts(M);
    return PreservedAnalyses::none();
}
