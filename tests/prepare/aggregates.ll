; PASSES: aggregates
; A store of a tuple is a store of each number in it, a phi of tuples a phi of
; each.

; CHECK-LABEL: define void @kernel
; CHECK-NOT:   store { double, double }
; CHECK-COUNT-2: store double
; CHECK:       ret void

define void @kernel(ptr %result, { double, double } %pair) {
  store { double, double } %pair, ptr %result
  ret void
}

; CHECK-LABEL: define i64 @either
; CHECK-NOT:   phi {
; CHECK:       phi ptr [ %{{.*}}, %copied ], [ %{{.*}}, %entry ]
; CHECK-COUNT-2: phi i64
; CHECK-NOT:   phi
; CHECK:       ret i64

define i64 @either(i1 %which, { ptr, [2 x i64] } %given) {
entry:
  br i1 %which, label %copied, label %both

copied:
  %copy = insertvalue { ptr, [2 x i64] } %given, ptr null, 0
  br label %both

both:
  %array = phi { ptr, [2 x i64] } [ %copy, %copied ], [ %given, %entry ]
  %extent = extractvalue { ptr, [2 x i64] } %array, 1, 1
  ret i64 %extent
}
