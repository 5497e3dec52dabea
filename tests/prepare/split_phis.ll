; PASSES: split-phis
; One of two arrays is a pointer and a number, each one of two.

; CHECK-LABEL: define i64 @kernel
; CHECK-NOT:   phi {
; CHECK:       phi ptr
; CHECK:       phi i64
; CHECK:       ret i64

define i64 @kernel(i1 %which, { ptr, [1 x i64] } %a, { ptr, [1 x i64] } %b) {
entry:
  br i1 %which, label %then, label %end

then:
  br label %end

end:
  %one = phi { ptr, [1 x i64] } [ %a, %entry ], [ %b, %then ]
  %extent = extractvalue { ptr, [1 x i64] } %one, 1, 0
  ret i64 %extent
}
