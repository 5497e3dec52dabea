; PASSES: internalize
; The kernel stays, in sight; all that it calls is to be inlined. A declaration is left alone.

; CHECK:     define void @kernel()
; CHECK:     define internal void @callee() [[CALLEE:#[0-9]+]]
; CHECK:     declare void @outside()
; CHECK:     attributes [[CALLEE]] = { alwaysinline }
; CHECK-NOT: noinline

define linkonce_odr void @kernel() noinline {
  call void @callee()
  ret void
}

define linkonce_odr void @callee() noinline optnone {
  call void @outside()
  ret void
}

declare void @outside()
