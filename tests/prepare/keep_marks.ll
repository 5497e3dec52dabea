; PASSES: drop-marks
; REQUEST: {"mode": "forward"}
; A forward mode does not come back.

; CHECK-LABEL: define void @kernel
; CHECK:       call i64 @pyfront.enter
; CHECK:       call void @pyfront.leave

define void @kernel() {
  %mark = call i64 @pyfront.enter()
  call void @pyfront.leave(i64 %mark)
  ret void
}

declare i64 @pyfront.enter()
declare void @pyfront.leave(i64)
