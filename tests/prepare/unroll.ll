; PASSES: unroll
; The bits of a constant exponent: x ** 5 is three products.

; CHECK-LABEL: define double @kernel
; CHECK-NOT:   phi
; CHECK-COUNT-3: fmul
; CHECK-NOT:   fmul
; CHECK:       ret double

define double @kernel(double %x) {
entry:
  br label %loop

loop:
  %e = phi i64 [ 5, %entry ], [ %half, %next ]
  %r = phi double [ 1.0, %entry ], [ %product, %next ]
  %a = phi double [ %x, %entry ], [ %square, %next ]
  %bit = and i64 %e, 1
  %odd = icmp ne i64 %bit, 0
  br i1 %odd, label %multiply, label %next

multiply:
  %times = fmul double %r, %a
  br label %next

next:
  %product = phi double [ %times, %multiply ], [ %r, %loop ]
  %square = fmul double %a, %a
  %half = lshr i64 %e, 1
  %more = icmp ne i64 %half, 0
  br i1 %more, label %loop, label %done

done:
  ret double %product
}
