; PASSES: promote
; Variables become values, and nothing is concluded from a comparison: the fences are not there yet.

; CHECK-LABEL: define double @kernel
; CHECK-NOT:   alloca
; CHECK:       fcmp oeq double %x, 1.000000e+00
; CHECK:       fmul double %x, %y

define double @kernel(double %x, double %y) {
  %slot = alloca double
  store double %x, ptr %slot
  %v = load double, ptr %slot
  %c = fcmp oeq double %v, 1.0
  br i1 %c, label %one, label %other

one:
  %w = load double, ptr %slot
  %r = fmul double %w, %y
  ret double %r

other:
  ret double %x
}
