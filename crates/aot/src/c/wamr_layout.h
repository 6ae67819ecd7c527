/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the code that WAMR emits reaches the runtime: what its headers promise to
 * compiled code, in terms of LLVM IR.
 *
 * A wasm function is `aot_func#N(exec_env, ...)`. With stack checks that is only
 * an entry which checks the stack and then calls the body,
 * `aot_func_internal#N`. exec_env is a WASMExecEnv; one of its fields points to
 * the instance, which holds, among others, the linear memory's base and bounds.
 */
#ifndef OCRE_AOT_WAMR_LAYOUT_H
#define OCRE_AOT_WAMR_LAYOUT_H

#include <cstdint>

#include <llvm/IR/IRBuilder.h>

namespace wamr {

// Fields of WASMExecEnv, in pointers.
constexpr unsigned ExecEnvInstance = 2;
constexpr unsigned ExecEnvStackBoundary = 4;
constexpr unsigned ExecEnvSuspendFlags = 5;

// The bit of the suspend flags that ends the guest.
constexpr uint32_t TerminateFlag = 1;

// The runtime's function that raises an exception: (instance, number). Ours takes
// (exec_env, HoldNumber) too, and holds the guest while it is to be held.
constexpr const char *RaiseException = "aot_set_exception_with_id";
constexpr uint32_t HoldNumber = 0x6f637265;

// Tells whether this is the body of a wasm function.
bool
isBody(const llvm::Function &F);

// Tells whether a function still has its exec_env parameter: LLVM removes
// parameters that a body does not use.
bool
hasExecEnv(const llvm::Function &F);

// The number of the wasm function that an entry or a body belongs to, for messages.
llvm::StringRef
functionNumber(const llvm::Function &F);

// Tells whether a function can be in a table: an entry, or a body without one.
bool
isInTables(const llvm::Function &F);

// The first byte of the exception's text, of the instance at this address.
llvm::Value *
loadException(llvm::IRBuilder<> &B, llvm::Value *Instance);

// Tells whether this value was loaded by loadException() or by WAMR's own test.
bool
isException(const llvm::Value *V, const llvm::DataLayout &DL);

// Base of a pointer at a constant distance from it, and that distance.
const llvm::Value *
baseOf(const llvm::Value *Pointer, const llvm::DataLayout &DL, uint64_t &Offset);

// Tells whether this value was loaded as the instance from the environment.
bool
isInstance(const llvm::Value *V, const llvm::DataLayout &DL);

// The address of a field of the environment.
llvm::Value *
field(llvm::IRBuilder<> &B, llvm::Value *ExecEnv, unsigned Index);

// Raises an exception in the function that is being built.
void
createRaise(llvm::IRBuilder<> &B, llvm::Function &F, uint32_t Exception);

// Has the runtime hold the guest, in the function that is being built.
void
createHold(llvm::IRBuilder<> &B, llvm::Function &F);

// Returns this value, or zero where there is none, if the function returns one.
void
createReturn(llvm::IRBuilder<> &B, llvm::Value *V);

// Weights for a branch that is hardly ever taken.
llvm::MDNode *
rarely(llvm::LLVMContext &C);

} // namespace wamr

#endif
