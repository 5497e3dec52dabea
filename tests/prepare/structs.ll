; PASSES: structs
; What a block has stored in a slot or loaded from it, it does not load again; a slot that nothing is loaded from goes. A
; slot whose address is passed on stays as it is.

%array = type { ptr, i64, [2 x i64] }

; CHECK-LABEL: define double @kernel
; CHECK-NEXT:  entry:
; CHECK-NEXT:    %kept = alloca %array
; CHECK-NEXT:    %passed = alloca %array
; CHECK-NEXT:    store %array %given, ptr %kept
; CHECK-NEXT:    br label %next
; CHECK:       next:
; CHECK-NEXT:    %whole = load %array, ptr %kept
; CHECK:         %[[DATA:.*]] = extractvalue %array %whole, 0
; CHECK:         %[[SIZE:.*]] = extractvalue %array %whole, 2, 1
; CHECK:         %x = getelementptr double, ptr %[[DATA]], i64 %[[SIZE]]
; CHECK:         %y = getelementptr double, ptr %x, i64 7
; CHECK-NOT:     store %array %whole
; CHECK:         store %array %whole, ptr %passed
; CHECK-NEXT:    call void @use(ptr %passed)
; CHECK-NEXT:    %again = load %array, ptr %passed

define double @kernel(%array %given) {
entry:
  %kept = alloca %array
  %copy = alloca %array
  %passed = alloca %array
  store %array zeroinitializer, ptr %copy
  store %array %given, ptr %kept
  br label %next

next:
  %whole = load %array, ptr %kept
  store %array %whole, ptr %copy
  %data.at = getelementptr inbounds %array, ptr %copy, i32 0, i32 0
  %data = load ptr, ptr %data.at
  %size.at = getelementptr inbounds %array, ptr %copy, i32 0, i32 2, i32 1
  %size = load i64, ptr %size.at
  %x = getelementptr double, ptr %data, i64 %size
  %number.at = getelementptr inbounds %array, ptr %copy, i32 0, i32 1
  store i64 7, ptr %number.at
  %number = load i64, ptr %number.at
  %y = getelementptr double, ptr %x, i64 %number
  store %array %whole, ptr %passed
  call void @use(ptr %passed)
  %again = load %array, ptr %passed
  %last = extractvalue %array %again, 0
  %result = load double, ptr %y
  %other = load double, ptr %last
  %sum = fadd double %result, %other
  ret double %sum
}

declare void @use(ptr)
