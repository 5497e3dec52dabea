; PASSES: fence;drop-fences
; Behind the last pass of LLVM's the comparisons are the kernel's own again, and cost nothing.

; CHECK-LABEL: define i1 @kernel
; CHECK-NEXT:  %c = fcmp oeq double %x, %y
; CHECK-NEXT:  ret i1 %c

define i1 @kernel(double %x, double %y) {
  %c = fcmp oeq double %x, %y
  ret i1 %c
}
