/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks: places in compiled code that read the suspend flags and end or hold the
 * guest. Made here, and recognised here in code that others made.
 */
#ifndef OCRE_AOT_LOOK_H
#define OCRE_AOT_LOOK_H

#include <llvm/IR/IRBuilder.h>

// Inserts looks into one function.
class Looks
{
    llvm::Function &F;
    llvm::IRBuilder<> B;
    llvm::BasicBlock *Killed = nullptr;
    llvm::BasicBlock *Return = nullptr;

  public:
    explicit Looks(llvm::Function &F);

    // Looks at the flags before this instruction.
    void look(llvm::Instruction *Before);

    // Ends a block: looks at the flags and goes on to another block.
    void lookAndGo(llvm::BasicBlock *From, llvm::BasicBlock *Alive);

    // Returns from the function before this instruction if an exception is set
    // in the instance at this address.
    void testException(llvm::Instruction *Before, llvm::Value *Instance);

    // Returns from the function before this instruction if a value is zero.
    void testResult(llvm::Instruction *Before, llvm::Value *Result);

    // Raises an exception and returns before this instruction if a condition holds.
    void raiseIf(llvm::Instruction *Before, llvm::Value *Condition,
                 uint32_t Exception);

  private:
    llvm::Value *flags();
    llvm::Value *isTerminate(llvm::Value *Flags);
    llvm::BasicBlock *killed();
    llvm::BasicBlock *returning();
    void leaveIf(llvm::Instruction *Before, llvm::Value *Condition,
                 llvm::BasicBlock *To);
};

// Tells whether a load reads the flags in a look that ends the guest: the
// terminate flag leads to an exception and a return.
bool
isLook(const llvm::Instruction &I);

// Tells whether a call raises an exception.
bool
raises(const llvm::Instruction &I);

// Tells whether the function soon returns after this call if an exception is
// set then.
bool
endsAfter(const llvm::CallBase &Call);

#endif
