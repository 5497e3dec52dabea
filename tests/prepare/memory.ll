; PASSES: memory
; An allocation is the call's own, its data pointer is the block, and reference counts mean nothing.

; CHECK-LABEL: define i32 @kernel
; CHECK-NEXT:  [[BLOCK:%.*]] = call ptr @pyfront.allocate(i64 %bytes, i64 64)
; CHECK-NEXT:  getelementptr
; CHECK-NEXT:  store double 1.000000e+00, ptr [[BLOCK]]
; CHECK-NEXT:  ret i32 0

define i32 @kernel(ptr %ret, ptr %excinfo, i64 %bytes) {
  %m = call ptr @NRT_MemInfo_alloc_aligned(i64 %bytes, i32 32)
  %at = getelementptr i8, ptr %m, i64 24
  %data = load ptr, ptr %at
  store double 1.0, ptr %data
  call void @NRT_decref(ptr %m)
  ret i32 0
}

declare ptr @NRT_MemInfo_alloc_aligned(i64, i32)
declare void @NRT_decref(ptr)
