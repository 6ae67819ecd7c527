// SPDX-License-Identifier: Apache-2.0
#include "path_work.h"
#include "look.h"
#include "wamr_layout.h"

#include <memory>

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/SCCIterator.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

using namespace llvm;

namespace {

// A function in the call graph; the one without a function calls all others.
struct Node {
    Function *F = nullptr;
    std::vector<Node *> Callees;
};

// Rounds over a function's blocks after which work that still grows counts as
// growing for ever.
constexpr unsigned PatientRounds = 24;

// Least work that a look is placed after.
constexpr int64_t WorthALook = 256;

int64_t
plus(int64_t Path, int64_t Work)
{
    return Path == NoPath ? NoPath : std::min(Path + Work, Unbounded);
}

} // namespace

namespace llvm {

template <> struct GraphTraits<Node *> {
    using NodeRef = Node *;
    using ChildIteratorType = std::vector<Node *>::iterator;
    static NodeRef getEntryNode(Node *N) { return N; }
    static ChildIteratorType child_begin(Node *N) { return N->Callees.begin(); }
    static ChildIteratorType child_end(Node *N) { return N->Callees.end(); }
};

} // namespace llvm

void
WorkSummary::merge(const WorkSummary &Other)
{
    Enter = std::max(Enter, Other.Enter);
    Through = std::max(Through, Other.Through);
    Leave = std::max(Leave, Other.Leave);
    Up = std::max(Up, Other.Up);
    Ends |= Other.Ends;
}

PathWork::PathWork(Module &M, FunctionAnalysisManager &FAM,
                   const ModuleSizes &Sizes)
  : M(M)
  , FAM(FAM)
  , Sizes(Sizes)
{
    for (Function &F : M)
        if (wamr::isInTables(F))
            InTables[F.getFunctionType()].push_back(&F);
    order();
}

void
PathWork::order()
{
    DenseMap<const Function *, Node *> Nodes;
    std::vector<std::unique_ptr<Node>> All;
    All.push_back(std::make_unique<Node>());
    Node *Root = All.front().get();
    for (Function &F : M)
        if (!F.isDeclaration()) {
            All.push_back(std::make_unique<Node>());
            All.back()->F = &F;
            Nodes[&F] = All.back().get();
            Root->Callees.push_back(All.back().get());
        }
    for (Function &F : M) {
        SmallPtrSet<Function *, 16> Seen;
        for (Instruction &I : instructions(F))
            if (auto *Call = dyn_cast<CallBase>(&I))
                for (Function *Callee : callees(*Call))
                    if (Seen.insert(Callee).second)
                        Nodes[&F]->Callees.push_back(Nodes[Callee]);
    }
    for (auto It = scc_begin(Root); !It.isAtEnd(); ++It) {
        std::vector<Function *> Component;
        for (Node *N : *It)
            if (N->F)
                Component.push_back(N->F);
        if (Component.empty())
            continue;
        if (It.hasCycle())
            for (Function *F : Component)
                Components[F] = Order.size() + 1;
        Order.push_back(std::move(Component));
    }
}

bool
PathWork::isRecursive(const Function &F) const
{
    return Components.lookup(&F) != 0;
}

SmallVector<Function *, 4>
PathWork::callees(const CallBase &Call) const
{
    if (Call.isInlineAsm())
        return {};
    auto *Callee =
        dyn_cast<Function>(Call.getCalledOperand()->stripPointerCasts());
    if (!Callee) {
        auto Found = InTables.find(Call.getFunctionType());
        if (Found == InTables.end())
            return {};
        return { Found->second.begin(), Found->second.end() };
    }
    if (Callee->isDeclaration())
        return {};
    return { Callee };
}

std::optional<WorkSummary>
PathWork::called(const CallBase &Call) const
{
    auto Callees = callees(Call);
    if (Callees.empty())
        return std::nullopt;
    unsigned Own = Components.lookup(Call.getFunction());
    WorkSummary All;
    for (Function *Callee : Callees) {
        WorkSummary One = Summaries.lookup(Callee);
        if (Own != 0 && Components.lookup(Callee) == Own)
            One.Leave = NoPath;
        else
            One.Leave =
                std::max(One.Leave, plus(One.Up, leaveOfComponent(*Callee)));
        All.merge(One);
    }
    return All;
}

bool
PathWork::canEnd(const CallBase &Call) const
{
    auto Called = called(Call);
    return callsHost(Call) || (Called && Called->Ends);
}

bool
PathWork::isRecursiveCall(const CallBase &Call) const
{
    unsigned Own = Components.lookup(Call.getFunction());
    return Own != 0 && any_of(callees(Call), [&](Function *Callee) {
               return Components.lookup(Callee) == Own;
           });
}

int64_t
PathWork::leaveOfComponent(const Function &F) const
{
    unsigned Own = Components.lookup(&F);
    if (Own == 0)
        return 0;
    int64_t Most = 0;
    for (const Function *Other : Order[Own - 1])
        Most = std::max(Most, Summaries.lookup(Other).Leave);
    return Most;
}

bool
sumUp(PathWork &Work, const std::vector<Function *> &Component,
      const std::function<WorkSummary(Function &)> &Summary)
{
    for (size_t Round = 0; Round < Component.size() + 8; Round++) {
        bool Changed = false;
        for (Function *F : Component) {
            WorkSummary New = Summary(*F);
            if (New == Work.summaryOf(*F))
                continue;
            Work.set(*F, New);
            Changed = true;
        }
        if (!Changed || !Work.isRecursive(*Component.front()))
            return true;
    }
    return false;
}

// One function's paths.
class FunctionWork
{
    // Work done where control is, on paths from the entry, from a look in this
    // function or in one that it called, and from the return of a recursive call.
    // With a counter: less what has been taken from the counter.
    struct State {
        int64_t Entry = NoPath, Look = NoPath, Up = NoPath;
        // The counter's value, where there is one and it is not negative.
        const Value *Counter = nullptr;
        bool Reached = false;

        bool operator==(const State &S) const
        {
            return Entry == S.Entry && Look == S.Look && Up == S.Up
                   && Counter == S.Counter && Reached == S.Reached;
        }
        void add(int64_t Work)
        {
            Entry = plus(Entry, Work);
            Look = plus(Look, Work);
            Up = plus(Up, Work);
        }
        void dropCounter()
        {
            if (Counter)
                add(CounterStart);
            Counter = nullptr;
        }
        void looked()
        {
            Entry = Up = NoPath;
            Look = 0;
        }
    };

    // A subtraction from a counter, tested at the end of its block.
    struct Count {
        const Value *Before = nullptr;
        int64_t Taken = 0;
        const BasicBlock *Spent = nullptr;
    };

    PathWork &Work;
    Function &F;
    const PathWork::Placer *Place;
    std::string &Fault;
    LoopInfo &LI;
    ScalarEvolution &SE;
    LazyValueInfo &LVI;

    SmallPtrSet<const Value *, 8> CounterPhis;
    DenseMap<const Value *, Count> Counts;
    // Blocks of loops that count as a whole, and their loops.
    DenseMap<const BasicBlock *, const Loop *> Whole;
    DenseMap<const Loop *, int64_t> WholeWork;
    SmallPtrSet<const Instruction *, 16> Placed;
    DenseMap<const Instruction *, int64_t> Weights;
    DenseMap<const BasicBlock *, State> Out;
    DenseMap<const BasicBlock *, State> In;
    DenseMap<const BasicBlock *, unsigned> Changes;
    int64_t LeaveOfComponent;
    WorkSummary Sum;

  public:
    FunctionWork(PathWork &Work, Function &F, const PathWork::Placer *Place,
                 std::string &Fault)
      : Work(Work)
      , F(F)
      , Place(Place)
      , Fault(Fault)
      , LI(Work.FAM.getResult<LoopAnalysis>(F))
      , SE(Work.FAM.getResult<ScalarEvolutionAnalysis>(F))
      , LVI(Work.FAM.getResult<LazyValueAnalysis>(F))
      , LeaveOfComponent(Work.leaveOfComponent(F))
    {
        for (Instruction &I : instructions(F))
            Weights[&I] = work(I, Work.Sizes, LVI);
        findCounters();
        findWholeLoops();
    }

    WorkSummary run()
    {
        ReversePostOrderTraversal<Function *> Blocks(&F);
        for (unsigned Round = 0;; Round++) {
            bool Changed = false;
            for (BasicBlock *BB : Blocks) {
                State At = enter(*BB);
                auto Known = In.find(BB);
                if (Known != In.end() && Known->second == At)
                    continue;
                if (++Changes[BB] == PatientRounds)
                    At.add(MostWork);
                In[BB] = At;
                Changed = true;
                Out[BB] = through(*BB, At);
                if (!Fault.empty())
                    return Sum;
            }
            if (!Changed)
                return Sum;
            if (Round > 4 * PatientRounds) {
                Fault = "work that does not settle";
                return Sum;
            }
        }
    }

  private:
    // Finds subtractions of a constant that a branch to another place at less than
    // zero follows, and all phis that their minuend comes from.
    void findCounters()
    {
        SmallVector<const Value *, 8> Left;
        for (BasicBlock &BB : F) {
            auto *Branch = dyn_cast<BranchInst>(BB.getTerminator());
            auto *Test = Branch && Branch->isConditional()
                             ? dyn_cast<ICmpInst>(Branch->getCondition())
                             : nullptr;
            if (!Test || Test->getPredicate() != CmpInst::ICMP_SLT
                || Test->getParent() != &BB)
                continue;
            auto *Zero = dyn_cast<ConstantInt>(Test->getOperand(1));
            auto *Less = dyn_cast<BinaryOperator>(Test->getOperand(0));
            if (!Zero || !Zero->isZero() || !Less || Less->getParent() != &BB
                || !Less->getType()->isIntegerTy(32))
                continue;
            auto *By = dyn_cast<ConstantInt>(Less->getOperand(1));
            if (!By || By->isNegative() || Less->getOpcode() != Instruction::Sub
                || By->getSExtValue() > CounterStart)
                continue;
            Counts[Less] = { Less->getOperand(0), By->getSExtValue(),
                             Branch->getSuccessor(0) };
            Left.push_back(Less->getOperand(0));
        }
        while (!Left.empty()) {
            auto *Phi = dyn_cast<PHINode>(Left.pop_back_val());
            if (Phi && CounterPhis.insert(Phi).second)
                append_range(Left, Phi->incoming_values());
        }
    }

    // Loops of a known number of turns that neither look nor count.
    void findWholeLoops()
    {
        SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 16> Back;
        SmallPtrSet<const Loop *, 8> Tangled;
        FindFunctionBackedges(F, Back);
        for (auto [From, Head] : Back) {
            const Loop *L = LI.getLoopFor(Head);
            if (L && L->getHeader() == Head && L->contains(From))
                continue;
            for (; L; L = L->getParentLoop())
                Tangled.insert(L);
        }
        auto Loops = LI.getLoopsInPreorder();
        for (Loop *L : reverse(Loops)) {
            int64_t Turn = 0;
            for (BasicBlock *BB : L->blocks())
                if (LI.getLoopFor(BB) == L)
                    Turn = std::min(Turn + wholeWork(*BB), Unbounded);
            for (Loop *Inner : *L)
                Turn = std::min(Turn + workOf(Inner), Unbounded);
            uint64_t Turns = SE.getSmallConstantMaxTripCount(L);
            if (Turns != 0 && !Tangled.contains(L) && Turn < MostWork
                && SaturatingMultiply(uint64_t(Turn), Turns)
                       <= uint64_t(WholeLoopWork))
                WholeWork[L] = Turn * Turns;
        }
        for (Loop *L : Loops)
            if (WholeWork.count(L))
                for (BasicBlock *BB : L->blocks())
                    Whole.insert({ BB, L });
    }

    int64_t workOf(const Loop *L) const
    {
        auto Found = WholeWork.find(L);
        return Found == WholeWork.end() ? Unbounded : Found->second;
    }

    // Work of a block that neither looks nor counts; more than anything else
    // otherwise.
    int64_t wholeWork(const BasicBlock &BB) const
    {
        int64_t All = 0;
        for (const Instruction &I : BB) {
            if (isLook(I) || Counts.count(&I))
                return Unbounded;
            All += Weights.lookup(&I);
            auto *Call = dyn_cast<CallBase>(&I);
            if (!Call)
                continue;
            auto Called = Work.called(*Call);
            if (callsHost(*Call) || (Called && Called->Ends)
                || Work.isRecursiveCall(*Call))
                return Unbounded;
            if (Called)
                All += std::max<int64_t>(Called->Through, 0);
        }
        return std::min(All, Unbounded);
    }

    // The state at a block's beginning: the worst of those it is entered with.
    State enter(BasicBlock &BB)
    {
        if (&BB == &F.getEntryBlock())
            return State{ 0, NoPath, NoPath, nullptr, true };
        const PHINode *Phi = nullptr;
        for (PHINode &P : BB.phis())
            if (CounterPhis.contains(&P)) {
                Phi = &P;
                break;
            }
        State All;
        for (BasicBlock *From : predecessors(&BB)) {
            State Next = along(*From, BB, Phi);
            if (Next.Reached)
                merge(All, Next);
        }
        return All;
    }

    // The state that one block leaves to another.
    State along(BasicBlock &From, BasicBlock &To, const PHINode *Phi)
    {
        auto Found = Out.find(&From);
        if (Found == Out.end() || !Found->second.Reached)
            return State();
        State S = Found->second;
        auto Count = Counts.find(S.Counter);
        if (Count != Counts.end() && Count->second.Spent == &To) {
            // Less than zero, by no more than was taken.
            S.add(Count->second.Taken);
            S.dropCounter();
        }
        const Loop *In = Whole.lookup(&To);
        if (In && !In->contains(&From))
            S.add(WholeWork.lookup(In));
        if (!Phi)
            return S;
        const Value *Incoming = Phi->getIncomingValueForBlock(&From);
        auto *Start = dyn_cast<ConstantInt>(Incoming);
        if (Start && !Start->isNegative()
            && Start->getSExtValue() <= CounterStart) {
            S.dropCounter();
            S.add(Start->getSExtValue() - CounterStart);
            S.Counter = Phi;
        }
        else if (S.Counter == Incoming && S.Counter) {
            S.Counter = Phi;
        }
        else {
            S.dropCounter();
        }
        return S;
    }

    static void merge(State &All, State &Next)
    {
        if (All.Reached && All.Counter != Next.Counter) {
            All.dropCounter();
            Next.dropCounter();
        }
        All.Entry = std::max(All.Entry, Next.Entry);
        All.Look = std::max(All.Look, Next.Look);
        All.Up = std::max(All.Up, Next.Up);
        All.Counter = Next.Counter;
        All.Reached = true;
    }

    State through(BasicBlock &BB, State S)
    {
        if (!S.Reached)
            return S;
        bool InWhole = Whole.count(&BB) != 0;
        for (Instruction &I : BB) {
            if (isa<PHINode>(I))
                continue;
            State After = after(I, S, InWhole);
            if (!InWhole && Place && isTooMuch(I, S, After) && (*Place)(I)) {
                Placed.insert(&I);
                S.looked();
                Sum.Ends = true;
                After = after(I, S, InWhole);
            }
            record(I, S, After, InWhole);
            S = After;
        }
        return S;
    }

    State after(const Instruction &I, State S, bool InWhole)
    {
        if (Placed.contains(&I))
            S.looked();
        if (InWhole) {
            if (auto *Call = dyn_cast<CallBase>(&I))
                Sum.Ends |= Work.canEnd(*Call);
            return S;
        }
        S.add(Weights.lookup(&I));
        if (isLook(I)) {
            S.looked();
            Sum.Ends = true;
        }
        auto Count = Counts.find(&I);
        if (Count != Counts.end() && S.Counter == Count->second.Before
            && S.Counter) {
            S.add(-Count->second.Taken);
            S.Counter = &I;
        }
        auto *Call = dyn_cast<CallBase>(&I);
        if (Call && raises(*Call) && endsAfter(*Call)) {
            // All callers return.
            S.Entry = S.Look = S.Up = NoPath;
            Sum.Ends = true;
        }
        else if (Call) {
            call(*Call, S);
        }
        return S;
    }

    void call(const CallBase &Call, State &S)
    {
        if (callsHost(Call)) {
            S.looked();
            Sum.Ends = true;
            return;
        }
        auto Called = Work.called(Call);
        if (!Called)
            return;
        Sum.Ends |= Called->Ends;
        auto Through = [&](int64_t Path) {
            return Called->Through == NoPath ? NoPath
                                             : plus(Path, Called->Through);
        };
        S.Entry = Through(S.Entry);
        S.Look = Through(S.Look);
        S.Up = Through(S.Up);
        S.Look = std::max(S.Look, Called->Leave);
        if (Work.isRecursiveCall(Call))
            S.Up = std::max<int64_t>(S.Up, 0);
    }

    // The most work that can have been done in this state since a look.
    int64_t most(const State &S) const
    {
        int64_t Counted = S.Counter ? CounterStart : 0;
        return std::max({ plus(S.Entry, Counted), plus(S.Look, Counted),
                          plus(S.Up, Counted + LeaveOfComponent), NoPath });
    }

    // The part that a look would set to zero.
    int64_t mostUncounted(const State &S) const
    {
        return std::max({ S.Entry, S.Look, plus(S.Up, LeaveOfComponent) });
    }

    // Most work on paths from the entry, to which the work of the callers is added.
    static int64_t mostFromEntry(const State &S)
    {
        return plus(S.Entry, S.Counter ? CounterStart : 0);
    }

    int64_t enterOf(const Instruction &I) const
    {
        auto *Call = dyn_cast<CallBase>(&I);
        auto Called = Call ? Work.called(*Call) : std::nullopt;
        return Called ? std::max<int64_t>(Called->Enter, 0) : 0;
    }

    static int64_t upOf(const State &S)
    {
        return plus(S.Up, S.Counter ? CounterStart : 0);
    }

    // Tells whether a look is needed before this instruction.
    bool isTooMuch(const Instruction &I, const State &Before,
                   const State &After) const
    {
        const Instruction *Next = I.getNextNode();
        if (Placed.contains(&I) || isa<AllocaInst>(I) || isLook(I)
            || (Next && isLook(*Next)))
            return false;
        if (isa<ReturnInst>(I) && upOf(After) > WorkPerFrame / 2)
            return true;
        int64_t Enter = plus(Before.Entry, enterOf(I));
        if (mostUncounted(Before) > WorthALook)
            return mostUncounted(After) > WorkBeforeLook
                   || Enter > WorkBeforeLook;
        return Before.Entry > 0 && Enter > 2 * WorkBeforeLook;
    }

    void record(const Instruction &I, const State &Before, const State &After,
                bool InWhole)
    {
        int64_t Inner = InWhole ? 0 : plus(most(Before), enterOf(I));
        int64_t Most = std::max(most(After), Inner);
        int64_t Enter = mostFromEntry(After);
        if (!InWhole)
            Enter = std::max(Enter, plus(mostFromEntry(Before), enterOf(I)));
        Sum.Enter = std::max(Sum.Enter, std::min(Enter, Unbounded));
        if (!Place && Most > MostWork)
            refuse(I, "more work without a look than allowed");
        if (!isa<ReturnInst>(I))
            return;
        int64_t Counted = After.Counter ? CounterStart : 0;
        Sum.Through = std::max(Sum.Through, plus(After.Entry, Counted));
        Sum.Leave = std::max(Sum.Leave, plus(After.Look, Counted));
        Sum.Up = std::max(Sum.Up, upOf(After));
        if (!Place && Sum.Up > WorkPerFrame)
            refuse(I, "too much work after recursion");
    }

    void refuse(const Instruction &I, const char *Why)
    {
        Fault = Why;
        auto *Call = dyn_cast<CallBase>(&I);
        if (const Function *Callee = Call ? Call->getCalledFunction() : nullptr)
            Fault += (" at a call of " + Callee->getName()).str();
    }
};

WorkSummary
PathWork::summary(Function &F, const Placer *Place, std::string &Fault)
{
    return FunctionWork(*this, F, Place, Fault).run();
}
