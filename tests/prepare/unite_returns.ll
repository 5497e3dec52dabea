; PASSES: unite-returns
; One block returns.

; CHECK-LABEL:   define i32 @kernel
; CHECK-COUNT-1: ret i32 %status
; CHECK-NOT:     ret i32

define i32 @kernel(i1 %c) {
  br i1 %c, label %a, label %b

a:
  ret i32 0

b:
  ret i32 -2
}
