// SPDX-License-Identifier: Apache-2.0
#include "work.h"
#include "wamr_layout.h"

#include <llvm/ADT/StringSwitch.h>
#include <llvm/IR/ConstantRange.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

using namespace llvm;

namespace {

// Library routines for operations that a processor has no instructions for.
constexpr int64_t DivisionRoutine = 64;
constexpr int64_t FloatRoutine = 64;
constexpr int64_t MathRoutine = 512;

// Functions of the runtime that do little and the same each time.
constexpr int64_t RuntimeCall = 256;

// memory.grow and table.grow are one step of the runtime's; a device's limits
// bound it.
constexpr int64_t Growth = 1 << 13;

bool
isSmall(const DataLayout &DL)
{
    return DL.getPointerSize() < 8;
}

// Number of registers that a value takes, rounded up.
int64_t
registers(const Type *Of, const DataLayout &DL)
{
    if (!Of->isSized())
        return 1;
    uint64_t Bits = DL.getTypeSizeInBits(const_cast<Type *>(Of)).getFixedValue();
    return std::max<uint64_t>(1, divideCeil(Bits, DL.getPointerSizeInBits()));
}

uint64_t
at(const std::vector<uint64_t> &Sizes, const Value *Index)
{
    auto *Known = dyn_cast<ConstantInt>(Index);
    return Known && Known->getZExtValue() < Sizes.size()
               ? Sizes[Known->getZExtValue()]
               : UINT64_MAX;
}

StringRef
calledName(const CallBase &Call)
{
    const Function *Callee = Call.getCalledFunction();
    return Callee && Callee->isDeclaration() ? Callee->getName() : StringRef();
}

int64_t
bulkWork(const CallBase &Call, const Bulk &Bulk, LazyValueInfo &LVI)
{
    uint64_t Length = longest(Call, Bulk, LVI);
    if (Length > UINT32_MAX)
        return Unbounded;
    return 16 + (Bulk.Unit == Bulk::Memory ? Length / 4 : Length * 4);
}

// LLVM's intrinsics for arithmetic that keeps to a rounding mode.
int64_t
constrainedWork(const ConstrainedFPIntrinsic &I, const DataLayout &DL)
{
    int64_t Size = registers(I.getType(), DL);
    switch (I.getIntrinsicID()) {
        case Intrinsic::experimental_constrained_fadd:
        case Intrinsic::experimental_constrained_fsub:
        case Intrinsic::experimental_constrained_fmul:
            return (isSmall(DL) ? FloatRoutine : 2) * Size;
        case Intrinsic::experimental_constrained_fdiv:
            return (isSmall(DL) ? FloatRoutine : 16) * Size;
        default:
            return (isSmall(DL) ? MathRoutine : 32) * Size;
    }
}

int64_t
intrinsicWork(const IntrinsicInst &I, const DataLayout &DL)
{
    if (auto *Constrained = dyn_cast<ConstrainedFPIntrinsic>(&I))
        return constrainedWork(*Constrained, DL);
    switch (I.getIntrinsicID()) {
        case Intrinsic::dbg_declare:
        case Intrinsic::dbg_label:
        case Intrinsic::dbg_value:
        case Intrinsic::lifetime_start:
        case Intrinsic::lifetime_end:
        case Intrinsic::assume:
        case Intrinsic::experimental_noalias_scope_decl:
            return 0;
        case Intrinsic::sqrt:
        case Intrinsic::floor:
        case Intrinsic::ceil:
        case Intrinsic::trunc:
        case Intrinsic::rint:
        case Intrinsic::nearbyint:
        case Intrinsic::roundeven:
        case Intrinsic::minnum:
        case Intrinsic::maxnum:
        case Intrinsic::minimum:
        case Intrinsic::maximum:
        case Intrinsic::fma:
        case Intrinsic::fmuladd:
            return (isSmall(DL) ? MathRoutine : 32) * registers(I.getType(), DL);
        case Intrinsic::fabs:
        case Intrinsic::copysign:
        case Intrinsic::umin:
        case Intrinsic::umax:
        case Intrinsic::smin:
        case Intrinsic::smax:
        case Intrinsic::abs:
        case Intrinsic::fshl:
        case Intrinsic::fshr:
        case Intrinsic::bswap:
        case Intrinsic::stacksave:
        case Intrinsic::stackrestore:
        case Intrinsic::expect:
            return 4 * registers(I.getType(), DL);
        default:
            // Nothing else that has a length or a loop is made for wasm.
            return isa<AnyMemIntrinsic>(I) ? Unbounded
                                           : 32 * registers(I.getType(), DL);
    }
}

int64_t
callWork(const CallBase &Call, const ModuleSizes &Sizes, LazyValueInfo &LVI)
{
    const DataLayout &DL = Call.getModule()->getDataLayout();
    if (std::optional<Bulk> Bulk = asBulk(Call, Sizes))
        return bulkWork(Call, *Bulk, LVI);
    if (auto *I = dyn_cast<IntrinsicInst>(&Call))
        return intrinsicWork(*I, DL);
    int64_t Passing = 4 + Call.arg_size();
    if (Call.isInlineAsm())
        return 4;
    StringRef Name = calledName(Call);
    if (Name.empty())
        return Passing;
    if (Name == wamr::RaiseException)
        return RuntimeCall;
    return StringSwitch<int64_t>(Name)
        .Cases("aot_invoke_native", "aot_call_indirect", RuntimeCall)
        .Cases("aot_data_drop", "aot_drop_table_seg", RuntimeCall)
        .Cases("aot_enlarge_memory", "aot_table_grow", Growth)
        .Default(Unbounded);
}

int64_t
floatWork(const Instruction &I, const DataLayout &DL)
{
    bool Slow = I.getOpcode() == Instruction::FDiv;
    int64_t One = isSmall(DL) ? FloatRoutine : Slow ? 16 : 2;
    return I.getOpcode() == Instruction::FRem
               ? MathRoutine * registers(I.getType(), DL)
               : One * registers(I.getType(), DL);
}

} // namespace

std::optional<Bulk>
asBulk(const CallBase &Call, const ModuleSizes &Sizes)
{
    if (isa<MemSetInst>(Call))
        return Bulk{ Bulk::Memory, 2, { 0 } };
    if (isa<MemMoveInst>(Call))
        return Bulk{ Bulk::Memory, 2, { 0, 1 }, true, 1, 0 };
    if (isa<MemTransferInst>(Call))
        return Bulk{ Bulk::Memory, 2, { 0, 1 } };
    StringRef Name = calledName(Call);
    auto Argument = [&](unsigned I) { return Call.getArgOperand(I); };
    if (Name == "memset")
        return Bulk{ Bulk::Memory, 2, { 0 } };
    if (Name == "memmove")
        return Bulk{ Bulk::Memory, 2, { 0, 1 }, true, 1, 0 };
    if (Name == "memcpy")
        return Bulk{ Bulk::Memory, 2, { 0, 1 } };
    // (instance, segment, offset, length, address)
    if (Name == "aot_memory_init")
        return Bulk{ Bulk::Memory, 3, { 2, 4 }, false, 0, 0,
                     Bulk::Result, at(Sizes.Data, Argument(1)) };
    // (instance, table, length, value, index)
    if (Name == "aot_table_fill")
        return Bulk{ Bulk::Table, 2, { 4 }, false, 0, 0,
                     Bulk::Exception, at(Sizes.Tables, Argument(1)) };
    // (instance, table, segment, length, source, destination)
    if (Name == "aot_table_init")
        return Bulk{ Bulk::Table, 3, { 4, 5 }, false, 0, 0,
                     Bulk::Exception, at(Sizes.Elements, Argument(2)) };
    // (instance, source table, destination table, length, source, destination)
    if (Name == "aot_table_copy")
        return Bulk{ Bulk::Table, 3, { 4, 5 }, true, 4, 5,
                     Bulk::Exception, at(Sizes.Tables, Argument(2)) };
    return std::nullopt;
}

uint64_t
longest(const CallBase &Call, const Bulk &Bulk, LazyValueInfo &LVI)
{
    Value *Length = Call.getArgOperand(Bulk.Length);
    if (auto *Known = dyn_cast<ConstantInt>(Length))
        return std::min(Bulk.Most, Known->getZExtValue());
    if (Bulk.Most <= Bulk.piece())
        return Bulk.Most;
    ConstantRange Range =
        LVI.getConstantRange(Length, const_cast<CallBase *>(&Call),
                             /*UndefAllowed=*/false);
    return std::min(Bulk.Most, Range.getUnsignedMax().getLimitedValue());
}

bool
callsHost(const CallBase &Call)
{
    StringRef Name = calledName(Call);
    return Name == "aot_invoke_native" || Name == "aot_call_indirect";
}

int64_t
work(const Instruction &I, const ModuleSizes &Sizes, LazyValueInfo &LVI)
{
    const DataLayout &DL = I.getModule()->getDataLayout();
    if (auto *Call = dyn_cast<CallBase>(&I))
        return callWork(*Call, Sizes, LVI);
    int64_t Size = registers(I.getType(), DL);
    switch (I.getOpcode()) {
        case Instruction::PHI:
        case Instruction::BitCast:
            return 0;
        case Instruction::Alloca:
            // Stack without a bound is as bad as work.
            return cast<AllocaInst>(I).isStaticAlloca() ? 0 : Unbounded;
        case Instruction::Switch:
            return 4 + 2 * Log2_32_Ceil(cast<SwitchInst>(I).getNumCases() + 1);
        case Instruction::UDiv:
        case Instruction::SDiv:
        case Instruction::URem:
        case Instruction::SRem:
            return (isSmall(DL) && Size > 1 ? 2 * DivisionRoutine : 16) * Size;
        case Instruction::Mul:
        case Instruction::Shl:
        case Instruction::LShr:
        case Instruction::AShr:
            return Size > 1 ? 8 * Size : 1;
        case Instruction::FAdd:
        case Instruction::FSub:
        case Instruction::FMul:
        case Instruction::FDiv:
        case Instruction::FRem:
        case Instruction::FNeg:
        case Instruction::FCmp:
        case Instruction::FPTrunc:
        case Instruction::FPExt:
        case Instruction::FPToUI:
        case Instruction::FPToSI:
        case Instruction::UIToFP:
        case Instruction::SIToFP:
            return floatWork(I, DL);
        case Instruction::Store:
            return registers(I.getOperand(0)->getType(), DL);
        case Instruction::ICmp:
            return registers(I.getOperand(0)->getType(), DL);
        default:
            return Size;
    }
}
