; PASSES: fence;canonical;drop-fences
; What LLVM makes of these without fences: 1.0 * y; fabs(x); the older of two equal variables; the constant behind
; `x <= 2 and x >= 2`; infinity behind `x >= inf`; x for the select.

; CHECK-LABEL: @kernel
; CHECK-NOT:   fabs
; CHECK-NOT:   arithmetic.fence
; CHECK:       %r1 = fmul double %x, %y
; CHECK:       select {{.*}}i1 %low, double %neg, double %x
; CHECK:       [[LATER:%.*]] = fmul nsz double %y, %y
; CHECK:       %r2 = fadd double [[LATER]], 1.000000e+00
; CHECK:       %r3 = fmul double %x, 3.000000e+00
; CHECK:       %r4 = fdiv double %y, %x
; CHECK:       %r5 = select i1 %{{.*}}, double 4.000000e+00, double %x
; CHECK:       ret

define double @kernel(double %x, double %y) {
  %c1 = fcmp oeq double %x, 1.0
  br i1 %c1, label %one, label %next

one:
  %r1 = fmul double %x, %y
  ret double %r1

next:
  %neg = fsub nnan nsz double 0.0, %x
  %low = fcmp nnan nsz ole double %x, 0.0
  %abs = select nnan nsz i1 %low, double %neg, double %x
  call void @use(double %abs)
  %later = fmul nsz double %y, %y
  %c2 = fcmp nsz oeq double %x, %later
  br i1 %c2, label %equal, label %then

equal:
  %r2 = fadd double %later, 1.0
  ret double %r2

then:
  %ge = fcmp oge double %x, 2.0
  %le = fcmp ole double %x, 2.0
  %two = and i1 %ge, %le
  br i1 %two, label %both, label %more

both:
  %r3 = fmul double %x, 3.0
  ret double %r3

more:
  %infinite = fcmp oge double %x, 0x7FF0000000000000
  br i1 %infinite, label %border, label %last

border:
  %r4 = fdiv double %y, %x
  ret double %r4

last:
  %four = fcmp oeq double %x, 4.0
  %r5 = select i1 %four, double 4.0, double %x
  ret double %r5
}

declare void @use(double)
