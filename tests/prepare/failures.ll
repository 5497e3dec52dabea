; PASSES: failures
;
; A raise becomes a call that ends the path; status 0 and RETCODE_NONE stay. The kernel's own `*excinfo` is a variable.
;
; CHECK-LABEL: define i32 @kernel
; CHECK: [[RAISED:%.*]] = alloca ptr
; CHECK: store ptr null, ptr [[RAISED]]
; CHECK: store ptr @error, ptr [[RAISED]]
; CHECK-NEXT: [[INFO:%.*]] = load ptr, ptr [[RAISED]]
; CHECK-NEXT: call void @pyfront.fail(i32 1, ptr [[INFO]])
; CHECK-NEXT: unreachable
; CHECK: ret i32 0
; CHECK: ret i32 -2
;
; What is called where there is a `try` returns instead, and so does a derivative in there, which has the call already.
;
; CHECK-LABEL: define i32 @called_in_try
; CHECK: ret i32 1
; CHECK-LABEL: define i32 @derivative_in_try
; CHECK: store ptr @error, ptr %excinfo
; CHECK-NEXT: ret i32 1
; CHECK-LABEL: define i32 @catches
; CHECK: call void @pyfront.fail
;
; Memory of an exception stays Numba's, that of a temporary array is the call's.
;
; CHECK-LABEL: define i32 @allocates
; CHECK: call ptr @pyfront.allocate(i64 8, i64 64)
; CHECK: call ptr @NRT_Allocate(i64 16)
; CHECK: call ptr @NRT_Allocate(i64 40)

@error = external global i8

define i32 @kernel(ptr noalias %ret, ptr noalias %excinfo, i1 %bad, i1 %none) {
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

define i32 @called_in_try(ptr noalias %ret, ptr noalias %excinfo) {
  store ptr @error, ptr %excinfo
  ret i32 1
}

declare void @pyfront.fail(i32, ptr)

define i32 @derivative_in_try(ptr %excinfo) {
  call void @pyfront.fail(i32 1, ptr @error)
  unreachable
}

define i32 @catches(ptr noalias %ret, ptr noalias %excinfo) {
  %try_state = alloca i64
  %depth = load i64, ptr %try_state
  %deeper = add i64 %depth, 1
  store i64 %deeper, ptr %try_state, !pyfront.try !0
  %status = call i32 @called_in_try(ptr %ret, ptr %excinfo)
  %other = call i32 @derivative_in_try(ptr %excinfo)
  store ptr @error, ptr %excinfo
  ret i32 1
}

declare noalias ptr @NRT_Allocate(i64)

define i32 @allocates(ptr noalias %ret, ptr noalias %excinfo) {
  %temporary = call ptr @NRT_Allocate(i64 8)
  store i64 1, ptr %temporary
  %arguments = call ptr @NRT_Allocate(i64 16)
  %exception = call ptr @NRT_Allocate(i64 40)
  %field = getelementptr i8, ptr %exception, i64 16
  store ptr %arguments, ptr %field
  store ptr %exception, ptr %excinfo
  ret i32 1
}

!0 = !{}
