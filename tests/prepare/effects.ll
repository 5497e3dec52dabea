; PASSES: keep-calls;normal-form;effects
; REQUEST: {"functions": [{"primal": "f", "name": "f", "args": [{"name": "x", "kind": "array", "type": "f64", "rank": 1, "layout": "C", "annotation": "const", "param": 2}, {"name": "y", "kind": "array", "type": "f64", "rank": 1, "layout": "C", "annotation": "const", "param": 9}], "results": []}]}
;
; `f` reads `x` and writes `y`, itself and through its own call.
;
; CHECK: declare ptr @pyfront.call.f(ptr readnone captures(none), ptr readnone captures(none), i64, i64, ptr readonly captures(none) "pyfront.array"="f64", i64, i64, ptr readnone captures(none), ptr readnone captures(none), i64, i64, ptr captures(none) "pyfront.array"="f64", i64, i64)

define i32 @kernel(ptr %ret, ptr %excinfo) {
  ret i32 0
}

define i32 @f(ptr %ret, ptr %excinfo, ptr %m, ptr %o, i64 %items, i64 %size, ptr %x, i64 %extent, i64 %stride, ptr %m2, ptr %o2, i64 %items2, i64 %size2, ptr %y, i64 %extent2, i64 %stride2) {
  %v = load double, ptr %x
  store double %v, ptr %y
  %status = call i32 @f(ptr %ret, ptr %excinfo, ptr %m, ptr %o, i64 %items, i64 %size, ptr %x, i64 %extent, i64 %stride, ptr %m2, ptr %o2, i64 %items2, i64 %size2, ptr %y, i64 %extent2, i64 %stride2)
  ret i32 0
}
