! The exported library through its Fortran module.
program caller
  use physics_interface
  implicit none
  real(c_double) :: state(4), shadow(4), adjoint, value, up, down
  real(c_double), parameter :: h = 1.0e-5_c_double
  integer(c_int32_t) :: status

  state = [0.0d0, 0.0d0, 3.0d0, 6.0d0]
  shadow = 0.0d0
  status = shot(state, shadow, 4_c_int64_t, 8.0d0, 0.05d0, adjoint, 0.01d0, 50_c_int64_t, 1.0d0, value)
  if (status /= 0) error stop "status"
  state = [0.0d0, 0.0d0, 3.0d0 + h, 6.0d0]
  status = shot_primal(state, 4_c_int64_t, 8.0d0, 0.05d0, 0.01d0, 50_c_int64_t, up)
  state = [0.0d0, 0.0d0, 3.0d0 - h, 6.0d0]
  status = shot_primal(state, 4_c_int64_t, 8.0d0, 0.05d0, 0.01d0, 50_c_int64_t, down)
  if (abs(shadow(3) - (up - down) / (2 * h)) > 1.0d-5) error stop "gradient"
  ! A result that nobody wants is left out.
  status = shot(state, shadow, 4_c_int64_t, 8.0d0, -1.0d0, adjoint, 0.01d0, 50_c_int64_t, 1.0d0)
  if (.not. c_associated(physics_error(status))) error stop "text"
  if (status <= 0) error stop "an exception is a status"
  call physics_release()
end program
