; PASSES: in-bounds
; An index that addresses an element lies within its axis: a call, of which LLVM's passes conclude nothing.

; CHECK:      %index = select i1 %negative, i64 %wrapped, i64 %j
; CHECK-NEXT: [[WITHIN:%.*]] = call i1 @pyfront.within(i64 %index, i64 %extent)
; CHECK-NEXT: call void @llvm.assume(i1 [[WITHIN]])

define double @kernel(ptr %x, [2 x i64] %shape, i64 %j) {
  %extent = extractvalue [2 x i64] %shape, 1
  %negative = icmp slt i64 %j, 0
  %wrapped = add i64 %j, %extent
  %index = select i1 %negative, i64 %wrapped, i64 %j
  %p = getelementptr double, ptr %x, i64 %index
  %v = load double, ptr %p
  ret double %v
}
