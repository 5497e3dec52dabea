; PASSES: failures
; A raise ends the path; a status of 0 or -2 is none.

; CHECK-LABEL: raise:
; CHECK:       [[INFO:%.*]] = load ptr, ptr %excinfo
; CHECK-NEXT:  call void @pyfront.fail(i32 1, ptr [[INFO]])
; CHECK-NEXT:  unreachable
; CHECK:       ret i32 0
; CHECK:       ret i32 -2

@error = external global i8

define i32 @kernel(ptr %ret, ptr %excinfo, i1 %bad, i1 %none) {
  br i1 %bad, label %raise, label %good

raise:
  store ptr @error, ptr %excinfo
  ret i32 1

good:
  br i1 %none, label %nothing, label %done

done:
  ret i32 0

nothing:
  ret i32 -2
}
