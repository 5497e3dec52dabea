; PASSES: split-calls
; A second result behind a pointer is a pure call and a store.

; CHECK-LABEL: define double @kernel
; CHECK:       [[E:%.*]] = call i32 @pyfront_frexp_exponent(double %x)
; CHECK:       store i32 [[E]], ptr %p
; CHECK:       [[M:%.*]] = call double @pyfront_frexp_mantissa(double %x)
; CHECK:       ret double [[M]]

define double @kernel(double %x, ptr %p) {
  %m = call double @numba_frexp(double %x, ptr %p)
  ret double %m
}

declare double @numba_frexp(double, ptr)
