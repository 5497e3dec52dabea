; PASSES: aggregates
; A store of a tuple is a store of each number in it.

; CHECK-LABEL: define void @kernel
; CHECK-NOT:   store { double, double }
; CHECK-COUNT-2: store double
; CHECK:       ret void

define void @kernel(ptr %result, { double, double } %pair) {
  store { double, double } %pair, ptr %result
  ret void
}
