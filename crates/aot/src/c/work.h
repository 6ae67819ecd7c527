/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work: an upper bound, in simple machine instructions, on what one instruction of
 * LLVM's makes a processor do.
 *
 * An operation that a processor without hardware for it does in a library routine
 * counts as such a routine, and an operation on a block of memory or on a part of a
 * table counts by its length.
 */
#ifndef OCRE_AOT_WORK_H
#define OCRE_AOT_WORK_H

#include <cstdint>
#include <optional>
#include <vector>

#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/LazyValueInfo.h>
#include <llvm/IR/Instructions.h>

// More than anything: work without a known end.
constexpr int64_t Unbounded = int64_t(1) << 50;

// Longest piece that a long operation is done in, in bytes and table elements.
constexpr uint64_t MemoryPiece = 1 << 15;
constexpr uint64_t TablePiece = 1 << 11;

// Lengths of a module's segments and tables.
struct ModuleSizes {
    std::vector<uint64_t> Data, Elements, Tables;
};

// An operation whose work depends on a length.
struct Bulk {
    enum Kind { Memory, Table } Unit;
    unsigned Length;
    // Arguments that move on by as much as has been done.
    llvm::SmallVector<unsigned, 2> Moving;
    // Source and destination can overlap: the arguments with their addresses.
    bool Overlaps = false;
    unsigned Source = 0, Destination = 0;
    enum { Never, Exception, Result } Fails = Never;
    // Largest length that does not fail at once.
    uint64_t Most = UINT64_MAX;

    uint64_t piece() const { return Unit == Memory ? MemoryPiece : TablePiece; }
};

// The description of a call if it is such an operation.
std::optional<Bulk>
asBulk(const llvm::CallBase &Call, const ModuleSizes &Sizes);

// Largest length that an operation can have where it stands.
uint64_t
longest(const llvm::CallBase &Call, const Bulk &Bulk, llvm::LazyValueInfo &LVI);

// Tells whether a call goes to the host, whose functions look at the flags first
// and last.
bool
callsHost(const llvm::CallBase &Call);

// Work of an instruction, without that of a function of the module that it calls.
// `Unbounded` if it calls a function that nothing is known of.
int64_t
work(const llvm::Instruction &I, const ModuleSizes &Sizes, llvm::LazyValueInfo &LVI);

#endif
