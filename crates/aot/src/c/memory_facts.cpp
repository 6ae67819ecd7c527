// SPDX-License-Identifier: Apache-2.0
#include "passes.h"
#include "wamr_layout.h"

#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include "aot_llvm.h"
#include "../aot/aot_runtime.h"

using namespace llvm;

namespace {

constexpr uint64_t MemoryInstance =
    offsetof(AOTModuleInstance, global_table_data);

// Fields of the instance with the highest offset at which that many bytes lie
// inside the memory.
constexpr struct {
    uint64_t Offset, Bytes;
} Bounds[] = {
    { offsetof(AOTMemoryInstance, mem_bound_check_1byte), 1 },
    { offsetof(AOTMemoryInstance, mem_bound_check_2bytes), 2 },
    { offsetof(AOTMemoryInstance, mem_bound_check_4bytes), 4 },
    { offsetof(AOTMemoryInstance, mem_bound_check_8bytes), 8 },
    { offsetof(AOTMemoryInstance, mem_bound_check_16bytes), 16 },
};

bool
isMemoryBase(const Value *V, const DataLayout &DL)
{
    uint64_t Offset;
    auto *Load = dyn_cast<LoadInst>(V);
    return Load
           && wamr::isInstance(
               wamr::baseOf(Load->getPointerOperand(), DL, Offset), DL)
           && Offset == MemoryInstance + offsetof(AOTMemoryInstance, memory_data);
}

// If this loads a bound, says that it is never less than at the start.
void
setRange(LoadInst &Load, uint64_t InitialSize, const DataLayout &DL)
{
    uint64_t Offset;
    if (!wamr::isInstance(wamr::baseOf(Load.getPointerOperand(), DL, Offset),
                          DL))
        return;
    for (auto &Bound : Bounds) {
        if (Offset != MemoryInstance + Bound.Offset || InitialSize < Bound.Bytes)
            continue;
        unsigned Bits = Load.getType()->getIntegerBitWidth();
        // A memory has at most 4 GiB. In 32 bits that end is written 0.
        APInt End = Bits > 32 ? APInt(Bits, 1ull << 32) : APInt(Bits, 0);
        APInt Least(Bits, InitialSize - Bound.Bytes);
        if (Least != End)
            Load.setMetadata(LLVMContext::MD_range,
                             MDBuilder(Load.getContext()).createRange(Least, End));
    }
}

} // namespace

PreservedAnalyses
MemoryFactsPass::run(Module &M, ModuleAnalysisManager &)
{
    const DataLayout &DL = M.getDataLayout();
    MDBuilder B(M.getContext());
    MDNode *Root = B.createTBAARoot("wasm");
    MDNode *Linear = B.createTBAAScalarTypeNode("linear memory", Root);
    MDNode *Runtime = B.createTBAAScalarTypeNode("runtime", Root);
    MDNode *LinearTag = B.createTBAAStructTagNode(Linear, Linear, 0);
    MDNode *RuntimeTag = B.createTBAAStructTagNode(Runtime, Runtime, 0);

    if (Function *Raise = M.getFunction(wamr::RaiseException)) {
        Raise->addFnAttr(Attribute::Cold);
        Raise->addFnAttr(Attribute::NoUnwind);
    }
    for (Function &F : M) {
        if (!wamr::isBody(F))
            continue;
        for (Instruction &I : instructions(F)) {
            const Value *Pointer = getLoadStorePointerOperand(&I);
            if (!Pointer)
                continue;
            const Value *Base = getUnderlyingObject(Pointer, /*MaxLookup=*/0);
            if (isMemoryBase(Base, DL)) {
                I.setMetadata(LLVMContext::MD_tbaa, LinearTag);
            }
            else if (Base == F.getArg(0) || wamr::isInstance(Base, DL)) {
                I.setMetadata(LLVMContext::MD_tbaa, RuntimeTag);
                if (auto *Load = dyn_cast<LoadInst>(&I))
                    setRange(*Load, InitialSize, DL);
            }
        }
    }
    return PreservedAnalyses::none();
}
