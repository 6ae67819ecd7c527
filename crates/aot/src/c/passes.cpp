// SPDX-License-Identifier: Apache-2.0
//
// Takes the place of WAMR's aot_llvm_extra.cpp: the optimisation of the module
// between WAMR's translation of wasm to LLVM IR and LLVM's code generation.

#include <llvm/Analysis/CFG.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

#include "aot_llvm.h"
#include "../aot/aot_runtime.h"

#include "passes.h"

using namespace llvm;

struct ocre_aot_passes ocre_aot_passes;

namespace {

// Index of WASMExecEnv::suspend_flags in pointers, and its terminate bit: what
// WAMR promises to AOT code ("don't change the places of them").
constexpr unsigned SuspendFlagsIndex = 5;
constexpr unsigned TerminateBit = 1;

// WAMR gives every wasm function an entry `aot_func#N`. With stack checks that
// is only a wrapper, and the body is `aot_func_internal#N`.
bool
isWasmBody(const Function &F)
{
    if (F.isDeclaration() || F.arg_empty())
        return false;
    StringRef Name = F.getName();
    if (Name.startswith(AOT_FUNC_INTERNAL_PREFIX))
        return true;
    if (!Name.startswith(AOT_FUNC_PREFIX))
        return false;
    std::string Internal = (AOT_FUNC_INTERNAL_PREFIX
                            + Name.drop_front(strlen(AOT_FUNC_PREFIX)))
                               .str();
    return F.getParent()->getFunction(Internal) == nullptr;
}

// What the instance promises about its linear memory, told to LLVM.
//
// - The memory never shrinks, so every bound is at least what the initial size
//   gives, and accesses below that need no check.
// - No access to the memory touches the instance or the execution environment,
//   so a store does not force the base and the bounds to be loaded again.
// - Traps are rare.
class MemoryFacts
{
    LLVMContext &C;
    const DataLayout &DL;
    uint64_t InitialSize;
    MDNode *LinearTag, *RuntimeTag;

  public:
    MemoryFacts(Module &M, const AOTMemory *Memory)
      : C(M.getContext())
      , DL(M.getDataLayout())
      , InitialSize(Memory ? (uint64_t)Memory->num_bytes_per_page
                                 * Memory->init_page_count
                           : 0)
    {
        MDBuilder B(C);
        MDNode *Root = B.createTBAARoot("wasm");
        MDNode *Linear = B.createTBAAScalarTypeNode("linear memory", Root);
        MDNode *Runtime = B.createTBAAScalarTypeNode("runtime", Root);
        LinearTag = B.createTBAAStructTagNode(Linear, Linear, 0);
        RuntimeTag = B.createTBAAStructTagNode(Runtime, Runtime, 0);
        if (Function *Trap = M.getFunction("aot_set_exception_with_id")) {
            Trap->addFnAttr(Attribute::Cold);
            Trap->addFnAttr(Attribute::NoUnwind);
        }
    }

    void run(Function &F)
    {
        for (Instruction &I : instructions(F)) {
            Value *Pointer = getLoadStorePointerOperand(&I);
            if (!Pointer)
                continue;
            const Value *Base = getUnderlyingObject(Pointer, 0);
            if (Base == F.getArg(0) || isInstance(Base)) {
                I.setMetadata(LLVMContext::MD_tbaa, RuntimeTag);
                if (auto *Load = dyn_cast<LoadInst>(&I))
                    setRange(*Load);
            }
            else if (isMemoryBase(Base)) {
                I.setMetadata(LLVMContext::MD_tbaa, LinearTag);
            }
        }
    }

  private:
    static constexpr uint64_t MemoryOffset =
        offsetof(AOTModuleInstance, global_table_data);

    // The constant distance of a load's address from what it is based on.
    const Value *split(const Value *Pointer, uint64_t &Offset) const
    {
        APInt Bytes(DL.getIndexTypeSizeInBits(Pointer->getType()), 0);
        const Value *Base = Pointer->stripAndAccumulateConstantOffsets(
            DL, Bytes, /*AllowNonInbounds=*/true);
        Offset = Bytes.getZExtValue();
        return Base;
    }

    // WASMExecEnv::module_inst, the third pointer.
    bool isInstance(const Value *V) const
    {
        uint64_t Offset;
        auto *Load = dyn_cast<LoadInst>(V);
        return Load
               && isa<Argument>(split(Load->getPointerOperand(), Offset))
               && cast<Argument>(split(Load->getPointerOperand(), Offset))
                          ->getArgNo()
                      == 0
               && Offset == 2 * DL.getPointerSize();
    }

    bool isMemoryBase(const Value *V) const
    {
        uint64_t Offset;
        auto *Load = dyn_cast<LoadInst>(V);
        return Load && isInstance(split(Load->getPointerOperand(), Offset))
               && Offset
                      == MemoryOffset
                             + offsetof(AOTMemoryInstance, memory_data);
    }

    void setRange(LoadInst &Load) const
    {
        static constexpr struct {
            uint64_t Offset, Bytes;
        } Bounds[] = {
            { offsetof(AOTMemoryInstance, mem_bound_check_1byte), 1 },
            { offsetof(AOTMemoryInstance, mem_bound_check_2bytes), 2 },
            { offsetof(AOTMemoryInstance, mem_bound_check_4bytes), 4 },
            { offsetof(AOTMemoryInstance, mem_bound_check_8bytes), 8 },
            { offsetof(AOTMemoryInstance, mem_bound_check_16bytes), 16 },
        };
        uint64_t Offset;
        if (!isInstance(split(Load.getPointerOperand(), Offset)))
            return;
        for (auto &Bound : Bounds) {
            if (Offset != MemoryOffset + Bound.Offset
                || InitialSize < Bound.Bytes)
                continue;
            unsigned Bits = Load.getType()->getIntegerBitWidth();
            // Up to 4 GiB; on a 32-bit target that is the whole type.
            Load.setMetadata(
                LLVMContext::MD_range,
                MDBuilder(C).createRange(
                    APInt(Bits, InitialSize - Bound.Bytes),
                    Bits > 32 ? APInt(Bits, 1ull << 32) : APInt(Bits, 0)));
        }
    }
};

// Makes every cycle of a function pass a check of the terminate flag. Runs
// after the loop optimisations, so that none of them is hindered and one check
// serves a whole unrolled or vectorised iteration.
struct KillCheckPass : PassInfoMixin<KillCheckPass> {
    PreservedAnalyses run(Function &F, FunctionAnalysisManager &)
    {
        if (!isWasmBody(F))
            return PreservedAnalyses::all();

        SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 16> Back;
        FindFunctionBackedges(F, Back);
        SmallSetVector<BasicBlock *, 16> Heads;
        for (auto &Edge : Back)
            Heads.insert(const_cast<BasicBlock *>(Edge.second));
        // A call in tail position takes no stack, so recursion through it is a
        // cycle that no stack check ends.
        for (BasicBlock &BB : F)
            if (auto *Ret = dyn_cast<ReturnInst>(BB.getTerminator()))
                if (auto *Call =
                        dyn_cast_or_null<CallInst>(Ret->getPrevNode()))
                    if (Call->isTailCall() && !isa<IntrinsicInst>(Call))
                        Heads.insert(&F.getEntryBlock());
        if (Heads.empty())
            return PreservedAnalyses::all();

        LLVMContext &C = F.getContext();
        const DataLayout &DL = F.getParent()->getDataLayout();
        BasicBlock *Stop = BasicBlock::Create(C, "killed", &F);
        IRBuilder<> B(Stop);
        if (F.getReturnType()->isVoidTy())
            B.CreateRetVoid();
        else
            B.CreateRet(Constant::getNullValue(F.getReturnType()));
        MDNode *Never = MDBuilder(C).createBranchWeights(1, 1 << 20);

        for (BasicBlock *Head : Heads) {
            Instruction *At = &*Head->getFirstInsertionPt();
            while (isa<AllocaInst>(At))
                At = At->getNextNode();
            B.SetInsertPoint(At);
            Value *Address = B.CreateConstInBoundsGEP1_64(
                B.getInt8Ty(), F.getArg(0),
                SuspendFlagsIndex * DL.getPointerSize());
            LoadInst *Flags =
                B.CreateAlignedLoad(B.getInt32Ty(), Address, Align(4));
            Flags->setAtomic(AtomicOrdering::Monotonic);
            Value *Killed = B.CreateICmpNE(
                B.CreateAnd(Flags, TerminateBit), B.getInt32(0));
            BasicBlock *Rest = Head->splitBasicBlock(At, "alive");
            Head->getTerminator()->eraseFromParent();
            B.SetInsertPoint(Head);
            B.CreateCondBr(Killed, Stop, Rest, Never);
        }
        return PreservedAnalyses::none();
    }
};

OptimizationLevel
level(unsigned Opt)
{
    switch (Opt) {
        case 0:
            return OptimizationLevel::O0;
        case 1:
            return OptimizationLevel::O1;
        case 2:
            return OptimizationLevel::O2;
        default:
            return OptimizationLevel::O3;
    }
}

} // namespace

extern "C" void
aot_apply_llvm_new_pass_manager(AOTCompContext *comp_ctx, LLVMModuleRef module)
{
    auto *TM = reinterpret_cast<TargetMachine *>(comp_ctx->target_machine);
    Module *M = unwrap(module);
    PipelineTuningOptions Tuning;
    Tuning.LoopVectorization = true;
    Tuning.SLPVectorization = true;
    Tuning.LoopUnrolling = true;
    PassBuilder PB(TM, Tuning);

    LoopAnalysisManager LAM;
    FunctionAnalysisManager FAM;
    CGSCCAnalysisManager CGAM;
    ModuleAnalysisManager MAM;
    PB.registerModuleAnalyses(MAM);
    PB.registerCGSCCAnalyses(CGAM);
    PB.registerFunctionAnalyses(FAM);
    PB.registerLoopAnalyses(LAM);
    PB.crossRegisterProxies(LAM, FAM, CGAM, MAM);

    if (ocre_aot_passes.kill_checks)
        PB.registerOptimizerLastEPCallback(
            [](ModulePassManager &MPM, OptimizationLevel) {
                MPM.addPass(
                    createModuleToFunctionPassAdaptor(KillCheckPass()));
            });

    const AOTCompData *Data = comp_ctx->comp_data;
    MemoryFacts Facts(*M, Data->memory_count ? &Data->memories[0] : nullptr);
    for (Function &F : *M)
        if (isWasmBody(F))
            Facts.run(F);

    OptimizationLevel Level = level(comp_ctx->opt_level);
    ModulePassManager MPM = Level == OptimizationLevel::O0
                                ? PB.buildO0DefaultPipeline(Level)
                                : PB.buildPerModuleDefaultPipeline(Level);
    MPM.run(*M, MAM);
}

static std::unique_ptr<MCSubtargetInfo>
subtarget(const char *arch, const char *cpu)
{
    Triple T(arch, "", "");
    std::string Error;
    const Target *Found = TargetRegistry::lookupTarget("", T, Error);
    return std::unique_ptr<MCSubtargetInfo>(
        Found ? Found->createMCSubtargetInfo(T.str(), cpu, "") : nullptr);
}

extern "C" int32_t
ocre_aot_knows_cpu(const char *arch, const char *cpu)
{
    auto Any = subtarget(arch, "");
    return Any && Any->isCPUStringValid(cpu);
}

// wasm's 128-bit operations are translated with what this feature gives.
extern "C" bool
aot_check_simd_compatibility(const char *arch, const char *cpu)
{
    if (!arch || !cpu || Triple(arch, "", "").getArch() != Triple::x86_64)
        return false;
    auto Info = subtarget(arch, cpu);
    return Info && Info->checkFeatures("+sse4.1");
}

// Only profiling builds, which this crate does not make, compress names.
extern "C" char *
aot_compress_aot_func_names(AOTCompContext *, uint32 *)
{
    aot_set_last_error("profiling is not supported");
    return nullptr;
}
