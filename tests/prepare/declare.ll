; PASSES: declare
; A stated derivative is arithmetic. An allocation's result is its own memory, also where a derivative inside the kernel has declared it without saying so.

; CHECK: declare noalias nonnull align 32 ptr @pyfront.allocate(i64, i64) [[A:#[0-9]+]]
; CHECK: declare double @pyfront_stated_mod(double, double, double) [[S:#[0-9]+]]
; CHECK: attributes [[A]] = { nofree nounwind willreturn memory(inaccessiblemem: readwrite) }
; CHECK: attributes [[S]] = { nounwind speculatable willreturn memory(none) }

define void @kernel() {
  %p = call ptr @pyfront.allocate(i64 8, i64 64)
  store double 1.0, ptr %p
  ret void
}

declare ptr @pyfront.allocate(i64, i64)
declare double @pyfront_stated_mod(double, double, double)
