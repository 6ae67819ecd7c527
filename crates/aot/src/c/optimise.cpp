// SPDX-License-Identifier: Apache-2.0
//
// Takes the place of WAMR's aot_llvm_extra.cpp: what happens to a module
// between WAMR's translation of wasm to LLVM IR and LLVM's code generation.

#include "passes.h"

#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>

#include "aot_llvm.h"

#include "optimise.h"

using namespace llvm;

struct ocre_aot_optimise ocre_aot_optimise;

static OptimizationLevel
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

static ModuleSizes
sizes(const AOTCompData &Data)
{
    ModuleSizes Sizes;
    for (uint32 i = 0; i < Data.mem_init_data_count; i++)
        Sizes.Data.push_back(Data.mem_init_data_list[i]->byte_count);
    for (uint32 i = 0; i < Data.table_init_data_count; i++)
        Sizes.Elements.push_back(Data.table_init_data_list[i]->value_count);
    for (uint32 i = 0; i < Data.table_count; i++) {
        const auto &Type = Data.tables[i].table_type;
        Sizes.Tables.push_back(std::max(Type.init_size, Type.max_size));
    }
    return Sizes;
}

extern "C" void
aot_apply_llvm_new_pass_manager(AOTCompContext *comp_ctx, LLVMModuleRef module)
{
    auto *TM = reinterpret_cast<TargetMachine *>(comp_ctx->target_machine);
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

    const AOTCompData *Data = comp_ctx->comp_data;
    uint64_t InitialSize = 0;
    if (Data->memory_count > 0)
        InitialSize = (uint64_t)Data->memories[0].num_bytes_per_page
                      * Data->memories[0].init_page_count;
    const ModuleSizes Sizes = sizes(*Data);
    PB.registerPipelineStartEPCallback(
        [=](ModulePassManager &MPM, OptimizationLevel) {
            MPM.addPass(TailCallsPass());
            MPM.addPass(TableTrapsPass());
            MPM.addPass(StackChecksPass());
            MPM.addPass(MemoryFactsPass(InitialSize));
        });
    if (ocre_aot_optimise.kill_checks) {
        PB.registerPipelineStartEPCallback(
            [&](ModulePassManager &MPM, OptimizationLevel) {
                MPM.addPass(KillNeedsPass(Sizes));
            });
        PB.registerOptimizerLastEPCallback(
            [&](ModulePassManager &MPM, OptimizationLevel) {
                MPM.addPass(KillChecksPass(Sizes));
            });
    }

    OptimizationLevel Level = level(comp_ctx->opt_level);
    ModulePassManager MPM = Level == OptimizationLevel::O0
                                ? PB.buildO0DefaultPipeline(Level)
                                : PB.buildPerModuleDefaultPipeline(Level);
    if (ocre_aot_optimise.kill_proof)
        MPM.addPass(KillProofPass(Sizes));
    MPM.run(*unwrap(module), MAM);
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

// The loader refuses wasm's 128-bit operations, so no CPU has to have them.
extern "C" bool
aot_check_simd_compatibility(const char *, const char *)
{
    return true;
}

// Only profiling builds, which this crate does not make, compress names.
extern "C" char *
aot_compress_aot_func_names(AOTCompContext *, uint32 *)
{
    aot_set_last_error("profiling is not supported");
    return nullptr;
}
