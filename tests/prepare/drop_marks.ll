; PASSES: drop-marks
; A reverse sweep comes back to what a derivative inside the kernel has allocated, so nothing is given back.

; CHECK-LABEL: define void @kernel
; CHECK-NEXT:  ret void

define void @kernel() {
  %mark = call i64 @pyfront.enter()
  call void @pyfront.leave(i64 %mark)
  ret void
}

declare i64 @pyfront.enter()
declare void @pyfront.leave(i64)
