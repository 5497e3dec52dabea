; PASSES: normal-form;hoist-loads
; REQUEST: {"args": [{"name": "x", "kind": "array", "type": "f64", "rank": 1, "layout": "C", "annotation": "duplicated", "param": 2}]}
; The element before those that the loop writes is read once.

; CHECK-LABEL: entry:
; CHECK:       %first = load double, ptr %x
; CHECK-LABEL: loop:
; CHECK-NOT:   %first = load
; CHECK:       store double

define i32 @kernel(ptr %ret, ptr %excinfo, ptr %m, ptr %o, i64 %items, i64 %size, ptr %x, i64 %extent, i64 %stride) {
entry:
  br label %loop

loop:
  %i = phi i64 [ 1, %entry ], [ %next, %loop ]
  %first = load double, ptr %x
  %p = getelementptr inbounds double, ptr %x, i64 %i
  %v = load double, ptr %p
  %w = fmul double %v, %first
  store double %w, ptr %p
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %extent
  br i1 %more, label %loop, label %done

done:
  ret i32 0
}
