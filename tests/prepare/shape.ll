; PASSES: shape
; Two-way branches, and loops with a preheader and one latch.

; CHECK-LABEL: define void @kernel
; CHECK-NOT:   switch
; CHECK:       .preheader:
; CHECK:       loop:
; CHECK-COUNT-1: br label %loop
; CHECK-NOT:   switch

define void @kernel(i64 %n, i32 %k) {
entry:
  %any = icmp sgt i64 %n, 0
  br i1 %any, label %loop, label %done

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ], [ %next, %other ]
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %pick

pick:
  switch i32 %k, label %done [
    i32 1, label %other
    i32 5, label %other
  ]

other:
  br label %loop

done:
  ret void
}
