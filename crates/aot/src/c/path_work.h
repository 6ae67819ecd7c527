/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The most work that compiled code does between two looks, over every path through
 * loops and calls.
 *
 * Each function is summed up by what its callers need to know: the most work from
 * its entry to its first look or its return, from its entry to its return without a
 * look, and from its last look to its return. Functions are taken in the order of
 * the call graph, callees first. An indirect call can reach each function of its
 * type that can be in a table.
 *
 * Work since the last look is followed through each function's blocks until it no
 * longer grows. A look sets it to zero. Work in a loop is bounded by
 *
 * - a look in each turn;
 * - a number of turns that is known: then the loop counts as that many turns;
 * - a counter that each turn takes at least its work from, and that is tested: then
 *   the counter and the work done have a constant sum.
 *
 * Recursion has a look on the way down. On the way up, each frame does at most
 * `WorkPerFrame` between the return of a recursive call and its own return without a
 * look; so the stack's size bounds the whole way up.
 */
#ifndef OCRE_AOT_PATH_WORK_H
#define OCRE_AOT_PATH_WORK_H

#include "work.h"

#include <functional>
#include <string>

#include <llvm/ADT/DenseMap.h>
#include <llvm/IR/PassManager.h>

// Work that a counter begins with: loops that count do as much between two looks.
constexpr int64_t CounterStart = 1 << 14;

// Most work of a loop that counts as a whole: as so many turns.
constexpr int64_t WholeLoopWork = 1 << 15;

// Most work without a look that functions leave to their callers, and that is done
// before a call.
constexpr int64_t WorkBeforeLook = 1 << 16;

// Most work between two looks that is proven, besides the way up from recursion.
constexpr int64_t MostWork = 1 << 18;

// Most work of a frame on the way up from recursion.
constexpr int64_t WorkPerFrame = 1 << 8;

// "No such path."
constexpr int64_t NoPath = INT64_MIN / 4;

// Facts about a function that its callers need.
struct WorkSummary {
    // Entry to first look or return, entry to return, last look to return.
    int64_t Enter = NoPath, Through = NoPath, Leave = NoPath;
    // Return of a recursive call to return.
    int64_t Up = NoPath;
    // Can return because the guest is ended, by a look or by a trap.
    bool Ends = false;

    bool operator==(const WorkSummary &Other) const
    {
        return Enter == Other.Enter && Through == Other.Through
               && Leave == Other.Leave && Up == Other.Up && Ends == Other.Ends;
    }
    void merge(const WorkSummary &Other);
};

// The call graph, and the summaries as far as they are known.
class PathWork
{
    llvm::Module &M;
    llvm::FunctionAnalysisManager &FAM;
    ModuleSizes Sizes;
    llvm::DenseMap<const llvm::Function *, WorkSummary> Summaries;
    llvm::DenseMap<const llvm::Function *, unsigned> Components;
    std::vector<std::vector<llvm::Function *>> Order;
    llvm::DenseMap<const llvm::FunctionType *, std::vector<llvm::Function *>>
        InTables;

    friend class FunctionWork;

  public:
    PathWork(llvm::Module &M, llvm::FunctionAnalysisManager &FAM,
             const ModuleSizes &Sizes);

    // Components of the call graph, callees first.
    const std::vector<std::vector<llvm::Function *>> &components() const
    {
        return Order;
    }

    const ModuleSizes &sizes() const { return Sizes; }

    // Tells whether a function can be active twice.
    bool isRecursive(const llvm::Function &F) const;

    // Functions of the module that a call can reach.
    llvm::SmallVector<llvm::Function *, 4>
    callees(const llvm::CallBase &Call) const;

    // Summary of all functions that a call can reach; nothing for a call out of
    // the module. Functions that are recursive together with the caller are left
    // out of the work from a look to the return.
    std::optional<WorkSummary> called(const llvm::CallBase &Call) const;

    // Tells whether a call can return because the guest is ended.
    bool canEnd(const llvm::CallBase &Call) const;

    // Tells whether caller and callee can be active twice together.
    bool isRecursiveCall(const llvm::CallBase &Call) const;

    WorkSummary summaryOf(const llvm::Function &F) const
    {
        return Summaries.lookup(&F);
    }

    void set(const llvm::Function &F, const WorkSummary &S) { Summaries[&F] = S; }

    // Sums up a function. `Place` is called where there would be too much work
    // before a look, and stands for a look there; without it, that is the answer's
    // text.
    using Placer = std::function<bool(llvm::Instruction &)>;
    WorkSummary summary(llvm::Function &F, const Placer *Place, std::string &Fault);

  private:
    void order();
    // The most work from a look to the return, of functions that are recursive
    // together, without their way up.
    int64_t leaveOfComponent(const llvm::Function &F) const;
};

// The fixed point for functions that are recursive together.
bool
sumUp(PathWork &Work, const std::vector<llvm::Function *> &Component,
      const std::function<WorkSummary(llvm::Function &)> &Summary);

#endif
