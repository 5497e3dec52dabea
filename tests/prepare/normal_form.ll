; PASSES: normal-form
; A counter from zero, the other recurrence an expression of it, and where a merge comes from.

; CHECK-LABEL: define i32 @kernel
; CHECK:       %L0.iter = phi i64 [ 0, %entry ], [ %L0.next, %latch ]
; CHECK-NOT:   phi i64 [ 7
; CHECK:       add i64 7,
; CHECK:       latch:
; CHECK:       %which.latch = select i1 %even, i64 1, i64 0

define i32 @kernel(ptr %x, i64 %n) {
entry:
  br label %loop

loop:
  %i = phi i64 [ 7, %entry ], [ %next, %latch ]
  %p = getelementptr double, ptr %x, i64 %i
  %bit = and i64 %i, 1
  %even = icmp eq i64 %bit, 0
  br i1 %even, label %store, label %skip

store:
  store double 1.0, ptr %p
  br label %latch

skip:
  store double 2.0, ptr %p
  br label %latch

latch:
  %next = add nsw i64 %i, 3
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done

done:
  ret i32 0
}
