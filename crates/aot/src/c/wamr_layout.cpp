// SPDX-License-Identifier: Apache-2.0
#include "wamr_layout.h"

#include <llvm/IR/Instructions.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include "aot_llvm.h"
#include "../aot/aot_runtime.h"

using namespace llvm;

bool
wamr::isBody(const Function &F)
{
    if (F.isDeclaration())
        return false;
    StringRef Name = F.getName();
    if (Name.startswith(AOT_FUNC_INTERNAL_PREFIX))
        return true;
    if (!Name.consume_front(AOT_FUNC_PREFIX))
        return false;
    // An entry has a body of its own.
    return !F.getParent()->getFunction((AOT_FUNC_INTERNAL_PREFIX + Name).str());
}

bool
wamr::hasExecEnv(const Function &F)
{
    // Addresses of further results are pointers too, but have no name.
    return !F.arg_empty() && F.getArg(0)->getType()->isPointerTy()
           && F.getArg(0)->getName() == "exec_env";
}

StringRef
wamr::functionNumber(const Function &F)
{
    return F.getName().rsplit('#').second;
}

bool
wamr::isInTables(const Function &F)
{
    return !F.isDeclaration() && F.getName().startswith(AOT_FUNC_PREFIX);
}

Value *
wamr::loadException(IRBuilder<> &B, Value *Instance)
{
    Value *Exception = B.CreateConstInBoundsGEP1_32(
        B.getInt8Ty(), Instance, offsetof(AOTModuleInstance, cur_exception));
    return B.CreateLoad(B.getInt8Ty(), Exception);
}

bool
wamr::isException(const Value *V, const DataLayout &DL)
{
    auto *Load = dyn_cast<LoadInst>(V);
    uint64_t Offset;
    return Load
           && isInstance(baseOf(Load->getPointerOperand(), DL, Offset), DL)
           && Offset == offsetof(AOTModuleInstance, cur_exception);
}

const Value *
wamr::baseOf(const Value *Pointer, const DataLayout &DL, uint64_t &Offset)
{
    APInt Bytes(DL.getIndexTypeSizeInBits(Pointer->getType()), 0);
    const Value *Base = Pointer->stripAndAccumulateConstantOffsets(
        DL, Bytes, /*AllowNonInbounds=*/true);
    Offset = Bytes.getZExtValue();
    return Base;
}

bool
wamr::isInstance(const Value *V, const DataLayout &DL)
{
    auto *Load = dyn_cast<LoadInst>(V);
    if (!Load)
        return false;
    uint64_t Offset;
    auto *Base =
        dyn_cast<Argument>(baseOf(Load->getPointerOperand(), DL, Offset));
    return Base && Base->getArgNo() == 0
           && Offset == ExecEnvInstance * DL.getPointerSize();
}

Value *
wamr::field(IRBuilder<> &B, Value *ExecEnv, unsigned Index)
{
    const DataLayout &DL = B.GetInsertBlock()->getModule()->getDataLayout();
    return B.CreateConstInBoundsGEP1_32(B.getInt8Ty(), ExecEnv,
                                        Index * DL.getPointerSize());
}

static void
createCall(IRBuilder<> &B, Function &F, Value *Subject, uint32_t Number)
{
    FunctionCallee Raise = F.getParent()->getOrInsertFunction(
        wamr::RaiseException, B.getVoidTy(), B.getPtrTy(), B.getInt32Ty());
    B.CreateCall(Raise, { Subject, B.getInt32(Number) });
}

void
wamr::createRaise(IRBuilder<> &B, Function &F, uint32_t Exception)
{
    Value *Instance =
        B.CreateLoad(B.getPtrTy(), field(B, F.getArg(0), ExecEnvInstance));
    createCall(B, F, Instance, Exception);
}

void
wamr::createHold(IRBuilder<> &B, Function &F)
{
    createCall(B, F, F.getArg(0), HoldNumber);
}

void
wamr::createReturn(IRBuilder<> &B, Value *V)
{
    Type *Result = B.GetInsertBlock()->getParent()->getReturnType();
    if (Result->isVoidTy())
        B.CreateRetVoid();
    else
        B.CreateRet(V ? V : Constant::getNullValue(Result));
}

MDNode *
wamr::rarely(LLVMContext &C)
{
    return MDBuilder(C).createBranchWeights(1, 1 << 20);
}
