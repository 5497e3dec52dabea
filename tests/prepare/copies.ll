; PASSES: normal-form;copies
; REQUEST: {"args": [{"name": "x", "kind": "array", "type": "f64", "rank": 1, "layout": "C", "annotation": "duplicated", "param": 2}, {"name": "n", "kind": "array", "type": "i64", "rank": 1, "layout": "C", "annotation": "const", "param": 9}]}
;
; Eight bytes of an array of floats are moved as a float, also through memory of which nothing else is known; those of an
; array of whole numbers stay what they are.
;
; CHECK: [[A:%.*]] = load double, ptr %x
; CHECK: store double [[A]], ptr %between
; CHECK: [[B:%.*]] = load double, ptr %between
; CHECK: store double [[B]], ptr %to
; CHECK: load i64, ptr %n

define i32 @kernel(ptr %ret, ptr %excinfo, ptr %m, ptr %o, i64 %items, i64 %size, ptr %x, i64 %extent, i64 %stride, ptr %m2, ptr %o2, i64 %items2, i64 %size2, ptr %n, i64 %extent2, i64 %stride2) {
  %between = alloca i64
  %to = getelementptr double, ptr %x, i64 1
  %a = load i64, ptr %x
  store i64 %a, ptr %between
  %b = load i64, ptr %between
  store i64 %b, ptr %to
  %c = load i64, ptr %n
  %next = getelementptr i64, ptr %n, i64 1
  store i64 %c, ptr %next
  ret i32 0
}
