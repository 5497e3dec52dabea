; PASSES: extents
; REQUEST: {"args": [{"name": "x", "kind": "array", "type": "f64", "rank": 1, "layout": "C", "annotation": "duplicated", "param": 2}]}
; An extent is not negative, and no address space holds more elements than this.

; CHECK: define i32 @kernel({{.*}} i64 range(i64 0, 1152921504606846976) %extent, i64 %stride)

define i32 @kernel(ptr %ret, ptr %excinfo, ptr %m, ptr %p, i64 %items, i64 %size, ptr %x, i64 %extent, i64 %stride) {
  ret i32 0
}
