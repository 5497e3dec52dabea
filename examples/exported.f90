! Finds how well a rod conducts heat from its final temperatures: Newton's method on an exported derivative, whose own
! derivative is taken by differences.
!
! gfortran physics.f90 exported.f90 -lphysics
program exported
  use physics_interface
  implicit none
  integer, parameter :: cells = 64
  integer(c_int64_t), parameter :: n = cells, steps = 50
  real(c_double), parameter :: hidden = 0.23d0, h = 1.0d-6
  real(c_double) :: measured(cells), nothing(cells), alpha, slope, value
  integer :: calls

  measured = initial()
  nothing = 0.0d0
  call check(misfit_primal(measured, n, nothing, n, hidden, steps))

  alpha = 0.1d0
  do calls = 1, 20
    slope = derivative(alpha)
    if (abs(slope) < 1.0d-12) exit
    alpha = alpha - slope * 2 * h / (derivative(alpha + h) - derivative(alpha - h))
  end do
  print '(a, f10.8, a, i0, a, es8.1)', "conducts with alpha = ", alpha, " after ", calls, " steps, misfit ", value
  if (abs(alpha - hidden) > 1.0d-8) error stop "not found"

contains

  function initial() result(rod)
    real(c_double) :: rod(cells)
    integer :: i
    rod = [(exp(-0.02d0 * (i - 20)**2), i=1, cells)]
  end function

  function derivative(at) result(adjoint_of_alpha)
    real(c_double), intent(in) :: at
    real(c_double) :: adjoint_of_alpha, rod(cells), adjoint(cells)
    rod = initial()
    adjoint = 0.0d0
    call check(misfit(rod, adjoint, n, measured, n, at, adjoint_of_alpha, steps, 1.0d0, value))
  end function

  subroutine check(status)
    integer(c_int32_t), intent(in) :: status
    if (status /= 0) error stop "the library reports an error"
  end subroutine
end program
