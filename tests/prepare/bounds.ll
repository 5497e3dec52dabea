; PASSES: bounds
; Behind the last pass of LLVM's what is assumed of an index is a comparison.

; CHECK-LABEL: define void @kernel
; CHECK-NEXT:  %[[WITHIN:.*]] = icmp ult i64 %index, %extent
; CHECK-NEXT:  call void @llvm.assume(i1 %[[WITHIN]])
; CHECK-NEXT:  ret void
; CHECK-NOT:   pyfront.within

define void @kernel(i64 %index, i64 %extent) {
  %within = call i1 @pyfront.within(i64 %index, i64 %extent)
  call void @llvm.assume(i1 %within)
  ret void
}

declare i1 @pyfront.within(i64, i64)
