; PASSES: fence
; Comparisons see their operands through a fence, one per value and right behind it. Constants, numbers made of integers
; and what is fenced already need none; integers that hold the bits of a float do.

define i1 @kernel(double %x, double %y, i64 %n, float %s) {
; CHECK-LABEL: @kernel
; CHECK-DAG:   [[X:%.*]] = call double @llvm.arithmetic.fence.f64(double %x)
; CHECK-DAG:   [[Y:%.*]] = call double @llvm.arithmetic.fence.f64(double %y)
; CHECK:       %sum = fadd double %x, %y
; CHECK-NEXT:  [[SUM:%.*]] = call double @llvm.arithmetic.fence.f64(double %sum)
; CHECK:       fcmp oeq double [[X]], 1.000000e+00
; CHECK-NEXT:  fcmp fast olt double [[X]], [[Y]]
; CHECK-NEXT:  fcmp ole double [[SUM]], %k
; CHECK-NEXT:  fcmp une double [[X]], [[X]]
  %sum = fadd double %x, %y
  %k = sitofp i64 %n to double
  %a = fcmp oeq double %x, 1.0
  %b = fcmp fast olt double %x, %y
  %c = fcmp ole double %sum, %k
  %d = fcmp une double %x, %x
; CHECK:       %bits = bitcast float %s to i32
; CHECK-NEXT:  [[FLOAT:%.*]] = bitcast i32 %bits to float
; CHECK-NEXT:  [[FENCE:%.*]] = call float @llvm.arithmetic.fence.f32(float [[FLOAT]])
; CHECK-NEXT:  [[BITS:%.*]] = bitcast float [[FENCE]] to i32
; CHECK-NEXT:  icmp eq i32 [[BITS]], 1065353216
  %bits = bitcast float %s to i32
  %e = icmp eq i32 %bits, 1065353216
; CHECK-NEXT:  icmp slt i64 %n, 3
  %f = icmp slt i64 %n, 3
  %ab = and i1 %a, %b
  %cd = and i1 %c, %d
  %ef = and i1 %e, %f
  %abcd = and i1 %ab, %cd
  %r = and i1 %abcd, %ef
  ret i1 %r
}

; Integers read from where floats are kept are bits of floats; others are compared as they are.
define i1 @views(ptr %a, ptr %b) {
; CHECK-LABEL: @views
; CHECK:       %i = load i64, ptr %a
; CHECK-NEXT:  bitcast i64 %i to double
; CHECK:       %j = load i64, ptr %b
; CHECK-NEXT:  %k = add i64 %j, 1
; CHECK-NEXT:  icmp eq i64 %{{.*}}, %k
  %i = load i64, ptr %a
  %x = load double, ptr %a
  store double %x, ptr %a
  %j = load i64, ptr %b
  %k = add i64 %j, 1
  %c = icmp eq i64 %i, %k
  ret i1 %c
}
