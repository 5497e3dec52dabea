//===- rule_probe.cpp - Shows the rule table to its tests -----------------===//
///
/// \file
/// rule_probe emit          reads lines `rule type type ...` (f64, f32, i32)
/// and
///                          prints a module with a function
///                          `rule.operand.width(operands..., result)` per
///                          float operand, which returns the partial. Values
///                          that the partial does not read are not given to it.
/// rule_probe lookup FILE   prints what the table says of each instruction.
/// rule_probe split FILE    prints the module after splitOutPointerCalls.
///
//===----------------------------------------------------------------------===//

#include "core/Check.h"
#include "core/rules/Rules.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include <iostream>
#include <sstream>

using namespace llvm;
using namespace pyfront;

void pyfront::failCheck(const char *Message, const char *File, int Line) {
  errs() << File << ":" << Line << ": " << Message << "\n";
  _Exit(1);
}

namespace {

const rules::Rule *ruleNamed(StringRef Name) {
  for (const rules::Rule &R : rules::allRules())
    if (R.name() == Name)
      return &R;
  return nullptr;
}

void emitPartialFunction(Module &M, const rules::Rule &R, unsigned Operand,
                         ArrayRef<Type *> Types) {
  Type *Ty = Types[Operand];
  SmallVector<Type *, 4> Params(Types);
  Params.push_back(Ty);
  std::string Name =
      (R.name() + "." + Twine(Operand) + (Ty->isDoubleTy() ? ".f64" : ".f32"))
          .str();
  auto *F = Function::Create(FunctionType::get(Ty, Params, false),
                             GlobalValue::ExternalLinkage, Name, M);
  IRBuilder<> B(BasicBlock::Create(M.getContext(), "", F));
  SmallVector<Value *, 4> Given;
  for (Argument &A : F->args())
    Given.push_back(R.reads(Operand) >> A.getArgNo() & 1 ? &A : nullptr);
  Value *Result = Given.pop_back_val();
  B.CreateRet(R.emitPartial(B, Operand, Given, Result, Ty));
}

int emitAll() {
  LLVMContext Context;
  Module M("partials", Context);
  std::string Line;
  while (std::getline(std::cin, Line)) {
    std::istringstream Words(Line);
    std::string Name, Word;
    Words >> Name;
    const rules::Rule *R = ruleNamed(Name);
    SmallVector<Type *, 4> Types;
    while (Words >> Word)
      Types.push_back(Word == "f64"   ? Type::getDoubleTy(Context)
                      : Word == "f32" ? Type::getFloatTy(Context)
                                      : Type::getInt32Ty(Context));
    PF_CHECK(R && R->arity() == Types.size(), "a rule and its types");
    for (unsigned I = 0; I < Types.size(); ++I)
      if (Types[I]->isFloatingPointTy())
        emitPartialFunction(M, *R, I, Types);
  }
  PF_CHECK(!verifyModule(M, &errs()), "partials are valid IR");
  M.print(outs(), nullptr);
  return 0;
}

void describe(const Instruction &I) {
  outs() << I.getName() << ":";
  if (const rules::Rule *R = rules::lookup(I)) {
    outs() << " " << R->name() << " price " << R->recomputePrice();
    for (unsigned K = 0; K < R->arity(); ++K)
      outs() << (R->isZero(K)       ? " zero"
                 : R->isOne(K)      ? " one"
                 : R->isMinusOne(K) ? " minus-one"
                 : R->isSingular(K) ? " singular"
                                    : " partial");
  }
  if (const auto *Call = dyn_cast<CallBase>(&I)) {
    if (rules::isInactivePure(*Call))
      outs() << " inactive";
    if (rules::isRecomputable(*Call))
      outs() << " recomputable";
    outs() << rules::whyUnsupported(*Call);
  }
  outs() << "\n";
}

} // namespace

int main(int argc, char **argv) {
  StringRef Mode = argc > 1 ? argv[1] : "";
  if (Mode == "emit")
    return emitAll();
  LLVMContext Context;
  SMDiagnostic Error;
  std::unique_ptr<Module> M = parseIRFile(argv[2], Error, Context);
  PF_CHECK(M, "the file holds IR");
  for (Function &F : *M) {
    if (Mode == "split")
      rules::splitOutPointerCalls(F);
    else
      for (const Instruction &I : instructions(F))
        if (I.hasName() || isa<CallBase>(I))
          describe(I);
  }
  if (Mode == "split")
    M->print(outs(), nullptr);
  return 0;
}
