; PASSES: fence;clean
; Blocks that only pass on are gone; the product is not folded through the comparison.

; CHECK-LABEL: define double @kernel
; CHECK:       fcmp oeq
; CHECK:       fmul double %x, %y
; CHECK-NOT:   br label %c1

define double @kernel(double %x, double %y) {
  %c = fcmp oeq double %x, 1.0
  br i1 %c, label %a, label %b

a:
  br label %c1

c1:
  %r = fmul double %x, %y
  ret double %r

b:
  %s = call double @f(double %x)
  ret double %s
}

declare double @f(double)
