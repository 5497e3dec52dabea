; PASSES: canonical
; Invariant values leave loops, each value is there once, and no phi carries a load of one iteration into the next.

; CHECK-LABEL: define void @kernel
; CHECK:       %square = fmul double %a, %a
; CHECK:       loop:
; CHECK-NOT:   phi double
; CHECK-COUNT-2: load double
; CHECK-NOT:   fmul double %a, %a
; CHECK:       br i1

define void @kernel(ptr %x, i64 %n, double %a) {
entry:
  br label %loop

loop:
  %i = phi i64 [ 1, %entry ], [ %next, %loop ]
  %before = add i64 %i, -1
  %p = getelementptr double, ptr %x, i64 %before
  %q = getelementptr double, ptr %x, i64 %i
  %u = load double, ptr %p
  %v = load double, ptr %q
  %square = fmul double %a, %a
  %again = fmul double %a, %a
  %s = fmul double %u, %square
  %t = fmul double %v, %again
  %sum = fadd double %s, %t
  store double %sum, ptr %q
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done

done:
  ret void
}
