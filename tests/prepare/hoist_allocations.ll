; PASSES: hoist-allocations
; A block that no iteration hands on is allocated once; one that is handed on stays. A size that the kernel would
; refuse is none.

; CHECK-LABEL: entry:
; CHECK:       %bytes = call i64 @llvm.smax.i64(i64 %size, i64 0)
; CHECK:       %p = call ptr @pyfront.allocate(i64 %bytes, i64 64)
; CHECK-LABEL: loop:
; CHECK-NOT:   %p = call
; CHECK:       %kept = call ptr @pyfront.allocate(i64 64, i64 64)

define void @kernel(i64 %n, i64 %size) {
entry:
  br label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %older = phi ptr [ null, %entry ], [ %kept, %loop ]
  %p = call ptr @pyfront.allocate(i64 %size, i64 64)
  store i64 %i, ptr %p
  %kept = call ptr @pyfront.allocate(i64 64, i64 64)
  store i64 %i, ptr %kept
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done

done:
  ret void
}

declare ptr @pyfront.allocate(i64, i64)
