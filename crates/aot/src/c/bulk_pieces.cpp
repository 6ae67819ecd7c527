// SPDX-License-Identifier: Apache-2.0
//
// An operation on a block of memory, or on a part of a table, that can be longer
// than a piece is done piece by piece with a look before each. The operation itself
// does the rest, which is then short.
//
// Pieces are taken from the end, so that the first one fails if the operation
// would, before anything is changed. Where source and destination overlap and the
// destination is first, they are taken from the beginning, after an operation of no
// length at the end that fails if the whole would.

#include "bulk_pieces.h"

#include "look.h"
#include "wamr_layout.h"

#include <llvm/Analysis/LazyValueInfo.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

#include "aot_llvm.h"
#include "../aot/aot_runtime.h"

using namespace llvm;

namespace {

class Pieces
{
    CallBase &Whole;
    const Bulk &Op;
    Looks &Look;
    IRBuilder<> B;
    Value *Length;
    Type *LengthType;

  public:
    Pieces(CallBase &Whole, const Bulk &Op, Looks &Look)
      : Whole(Whole)
      , Op(Op)
      , Look(Look)
      , B(&Whole)
      , Length(Whole.getArgOperand(Op.Length))
      , LengthType(Length->getType())
    {}

    void split()
    {
        Value *Wraps = B.getInt1(false);
        for (unsigned I : Op.Moving)
            if (argument(I)->getType()->isIntegerTy())
                Wraps = B.CreateOr(Wraps, wraps(argument(I)));
        if (!PatternMatch::match(Wraps, PatternMatch::m_Zero()))
            Look.raiseIf(&Whole, Wraps,
                         Op.Unit == Bulk::Table ? EXCE_OUT_OF_BOUNDS_TABLE_ACCESS
                                                : EXCE_OUT_OF_BOUNDS_MEMORY_ACCESS);
        B.SetInsertPoint(&Whole);
        Value *Piece = ConstantInt::get(LengthType, Op.piece());
        Value *Long = B.CreateICmpUGT(Length, Piece);
        Value *Step = B.getInt1(false);
        if (Op.Overlaps)
            Step = fromStart();

        BasicBlock *Head = Whole.getParent();
        BasicBlock *Rest = Head->splitBasicBlock(&Whole, "last_piece");
        BasicBlock *Loop = BasicBlock::Create(B.getContext(), "pieces",
                                              Head->getParent(), Rest);
        BasicBlock *First = Loop;
        if (Op.Overlaps && Op.Fails != Bulk::Never) {
            First = BasicBlock::Create(B.getContext(), "first_piece",
                                       Head->getParent(), Loop);
            B.SetInsertPoint(BranchInst::Create(Loop, First));
            tryWhole();
        }
        Head->getTerminator()->eraseFromParent();
        B.SetInsertPoint(Head);
        bool Always = PatternMatch::match(Long, PatternMatch::m_One());
        if (Always)
            B.CreateBr(First);
        else
            B.CreateCondBr(Long, First, Rest, wamr::rarely(B.getContext()));
        // tryWhole() may have split it.
        if (First != Loop)
            First = Loop->getSinglePredecessor();
        loop(Always ? nullptr : Head, *(First == Loop ? Head : First), *Loop,
             *Rest, Step);
    }

  private:
    Value *argument(unsigned I) { return Whole.getArgOperand(I); }

    // Tells, where the code runs, whether the end is no number any more: then it is
    // beyond any memory and table.
    Value *wraps(Value *Start)
    {
        Value *End = B.CreateAdd(Start, B.CreateZExt(Length, Start->getType()));
        return B.CreateICmpULT(End, Start);
    }

    // Tells, where the code runs, whether to begin at the start: the destination is
    // less than the length before the source.
    Value *fromStart()
    {
        Value *Source = argument(Op.Source), *Destination = argument(Op.Destination);
        if (Source->getType()->isPointerTy()) {
            Source = B.CreatePtrToInt(Source, LengthType);
            Destination = B.CreatePtrToInt(Destination, LengthType);
        }
        return B.CreateICmpULT(B.CreateSub(Source, Destination), Length);
    }

    static Value *moved(IRBuilder<> &B, Value *By, Value *Start)
    {
        if (Start->getType()->isPointerTy())
            return B.CreateGEP(B.getInt8Ty(), Start, By);
        return B.CreateAdd(Start, B.CreateZExt(By, Start->getType()));
    }

    // Makes a copy of the operation before the builder's place.
    CallBase *copy(Value *NewLength, ArrayRef<Value *> Moving)
    {
        auto *Copy = cast<CallBase>(Whole.clone());
        B.Insert(Copy);
        Copy->setArgOperand(Op.Length, NewLength);
        for (auto [I, Value] : zip(Op.Moving, Moving)) {
            Copy->setArgOperand(I, Value);
            forgetAddress(*Copy, I);
        }
        return Copy;
    }

    // Facts about an address do not hold for one that moves.
    static void forgetAddress(CallBase &Call, unsigned I)
    {
        for (auto Fact : { Attribute::Alignment, Attribute::Dereferenceable,
                           Attribute::DereferenceableOrNull })
            Call.removeParamAttr(I, Fact);
    }

    void test(CallBase *Copy, Instruction *Next)
    {
        if (Op.Fails == Bulk::Exception)
            Look.testException(Next, Whole.getArgOperand(0));
        else if (Op.Fails == Bulk::Result)
            Look.testResult(Next, Copy);
    }

    // Fails where the whole would.
    void tryWhole()
    {
        Instruction *Next = &*B.GetInsertPoint();
        SmallVector<Value *, 2> Ends;
        for (unsigned I : Op.Moving)
            Ends.push_back(moved(B, Length, argument(I)));
        test(copy(ConstantInt::get(LengthType, 0), Ends), Next);
    }

    void loop(BasicBlock *Head, BasicBlock &First, BasicBlock &Loop,
              BasicBlock &Rest, Value *FromStart)
    {
        B.SetInsertPoint(&Loop);
        PHINode *Left = B.CreatePHI(LengthType, 2);
        SmallVector<PHINode *, 2> Starts;
        for (unsigned I : Op.Moving)
            Starts.push_back(B.CreatePHI(argument(I)->getType(), 2));
        Value *Piece = ConstantInt::get(LengthType, Op.piece());
        Value *None = ConstantInt::get(LengthType, 0);
        Value *Less = B.CreateSub(Left, Piece);
        Value *At = Op.Overlaps ? B.CreateSelect(FromStart, None, Less) : Less;
        Value *Step = Op.Overlaps ? B.CreateSelect(FromStart, Piece, None) : None;
        SmallVector<Value *, 2> Now, After;
        for (PHINode *Start : Starts) {
            Now.push_back(moved(B, At, Start));
            After.push_back(moved(B, Step, Start));
        }
        CallBase *Copy = copy(Piece, Now);
        Value *More = B.CreateICmpUGT(Less, Piece);
        Instruction *End =
            B.CreateCondBr(More, &Loop, &Rest, wamr::rarely(B.getContext()));
        test(Copy, Copy->getNextNode());
        Look.look(Copy);
        BasicBlock *Last = End->getParent();

        Left->addIncoming(Length, &First);
        Left->addIncoming(Less, Last);
        B.SetInsertPoint(&Rest, Rest.begin());
        PHINode *LastLength = B.CreatePHI(LengthType, 2);
        if (Head)
            LastLength->addIncoming(Length, Head);
        LastLength->addIncoming(Less, Last);
        for (auto [I, Start, Next] : zip(Op.Moving, Starts, After)) {
            Start->addIncoming(argument(I), &First);
            Start->addIncoming(Next, Last);
            PHINode *LastStart = B.CreatePHI(Start->getType(), 2);
            if (Head)
                LastStart->addIncoming(argument(I), Head);
            LastStart->addIncoming(Next, Last);
            Whole.setArgOperand(I, LastStart);
            forgetAddress(Whole, I);
        }
        Whole.setArgOperand(Op.Length, LastLength);
    }
};

} // namespace

void
splitBulk(Function &F, const ModuleSizes &Sizes, LazyValueInfo &LVI)
{
    SmallVector<std::pair<CallBase *, Bulk>, 8> Long;
    for (Instruction &I : instructions(F))
        if (auto *Call = dyn_cast<CallBase>(&I))
            if (auto Op = asBulk(*Call, Sizes))
                if (longest(*Call, *Op, LVI) > Op->piece())
                    Long.push_back({ Call, *Op });
    Looks Look(F);
    for (auto &[Call, Op] : Long)
        Pieces(*Call, Op, Look).split();
}
