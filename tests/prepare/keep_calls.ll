; PASSES: keep-calls
; REQUEST: {"functions": [{"primal": "f", "name": "f", "args": [{"name": "x", "kind": "scalar", "type": "f64", "annotation": "const", "param": 2}], "results": [{"type": "f64", "offset": 0}, {"type": "i64", "offset": 8}]}]}
;
; Calls of a function that calls itself, by its name or by one that Numba links later, stay: each number of the result
; has a variable, and the status is that of success. Other calls are left alone.
;
; CHECK-LABEL: define i32 @kernel
; CHECK: [[FIRST:%.*]] = alloca double
; CHECK: [[SECOND:%.*]] = alloca i64
; CHECK: call ptr @pyfront.call.f(ptr [[FIRST]], ptr [[SECOND]], double %x)
; CHECK: [[A:%.*]] = load double, ptr [[FIRST]]
; CHECK: store double [[A]]
; CHECK: [[B:%.*]] = load i64, ptr [[SECOND]]
; CHECK: store i64 [[B]]
; CHECK: call i32 @g(
; CHECK: ret i32 0
;
; CHECK-LABEL: define i32 @f
; CHECK-COUNT-2: call ptr @pyfront.call.f(
; CHECK-NOT: call i32
; CHECK-LABEL: define i32 @g
;
; CHECK: declare ptr @pyfront.call.f(ptr writeonly captures(none) "pyfront.result"="f64", ptr writeonly captures(none) "pyfront.result"="i64", double)

@".numba.unresolved$f" = external global ptr

define i32 @kernel(ptr %ret, ptr %excinfo, double %x) {
  %to = alloca { double, i64 }
  %status = call i32 @f(ptr %to, ptr %excinfo, double %x)
  %other = call i32 @g(ptr %to, ptr %excinfo, double %x)
  ret i32 %status
}

define i32 @f(ptr %ret, ptr %excinfo, double %x) {
  %to = alloca { double, i64 }
  %status = call i32 @f(ptr %to, ptr %excinfo, double %x)
  %later = load ptr, ptr @".numba.unresolved$f"
  %cast = bitcast ptr %later to ptr
  %again = call i32 %cast(ptr %to, ptr %excinfo, double %x)
  ret i32 0
}

define i32 @g(ptr %ret, ptr %excinfo, double %x) {
  ret i32 0
}
