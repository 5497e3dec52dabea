; PASSES: hoist-allocations;canonical-again
; What others have opened is made canonical: the address in the block that has left the loop leaves it as well.

; CHECK-LABEL: define void @kernel
; CHECK:       %p = {{.*}}call {{.*}}ptr @pyfront.allocate(i64 64, i64 64)
; CHECK:       %q = getelementptr
; CHECK:       loop:
; CHECK-NOT:   getelementptr
; CHECK:       br i1

define void @kernel(i64 %n, double %a) {
entry:
  br label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %p = call ptr @pyfront.allocate(i64 64, i64 64)
  %q = getelementptr double, ptr %p, i64 3
  store double %a, ptr %q
  call void @use(ptr captures(none) %q)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done

done:
  ret void
}

declare ptr @pyfront.allocate(i64, i64)
declare void @use(ptr captures(none))
