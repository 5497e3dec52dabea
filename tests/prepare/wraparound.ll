; PASSES: wraparound
; An index that counts up from zero is not negative: the test folds.

; CHECK:     select i1 false, i64 %n, i64 0

define void @kernel(ptr %x, i64 %n) {
entry:
  %any = icmp sgt i64 %n, 0
  br i1 %any, label %loop, label %done

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %negative = icmp slt i64 %i, 0
  %shift = select i1 %negative, i64 %n, i64 0
  %index = add i64 %i, %shift
  %p = getelementptr double, ptr %x, i64 %index
  store double 1.0, ptr %p
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done

done:
  ret void
}
