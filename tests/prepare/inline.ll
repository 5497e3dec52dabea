; PASSES: internalize;inline
; One function; the test that a literal divisor is zero folds away, for a literal has no fence.

; CHECK-LABEL: define i32 @kernel
; CHECK-NOT:   call
; CHECK-NOT:   fcmp
; CHECK:       fmul double %x, 5.000000e-01
; CHECK-NOT:   @divide

define i32 @kernel(ptr %ret, ptr %excinfo, double %x) {
  %r = call double @divide(double %x, double 2.0)
  store double %r, ptr %ret
  ret i32 0
}

define double @divide(double %x, double %y) {
  %f = call double @llvm.arithmetic.fence.f64(double %y)
  %zero = fcmp oeq double %f, 0.0
  br i1 %zero, label %raise, label %good

raise:
  unreachable

good:
  %q = fdiv double %x, %y
  ret double %q
}

declare double @llvm.arithmetic.fence.f64(double)
