; PASSES: exceptions
; REQUEST: {"args": [{"name": "a", "kind": "array", "type": "f64", "rank": 1, "layout": "C", "annotation": "const", "param": 2}]}
;
; An array of the caller that an exception carries is counted once; a number is not.
;
; CHECK: call void @NRT_incref(ptr %meminfo)
; CHECK-NEXT: store ptr %meminfo, ptr %arguments
; CHECK-NOT: call void @NRT_incref

define i32 @kernel(ptr %ret, ptr %excinfo, ptr %meminfo, ptr %parent, i64 %items, i64 %size, ptr %data, i64 %n, i64 %s) {
  %arguments = call ptr @NRT_Allocate(i64 24)
  store ptr %meminfo, ptr %arguments
  %second = getelementptr i8, ptr %arguments, i64 8
  store ptr %data, ptr %second
  %third = getelementptr i8, ptr %arguments, i64 16
  store i64 %n, ptr %third
  call void @pyfront.fail(i32 1, ptr %arguments)
  unreachable
}

declare noalias ptr @NRT_Allocate(i64)
declare void @pyfront.fail(i32, ptr)
