// The exported library from Rust, declared by hand.
use std::ffi::CStr;
use std::os::raw::c_char;

#[link(name = "physics")]
extern "C" {
    fn heat(u: *mut f64, u_shadow: *mut f64, n: i64, alpha: f64, alpha_adjoint: *mut f64, steps: i64) -> i32;
    fn physics_error(status: i32) -> *const c_char;
}

fn main() {
    let mut u: Vec<f64> = (0..50).map(|i| (i as f64).sin()).collect();
    let mut shadow = vec![0.0; 50];
    shadow[25] = 1.0;
    let mut adjoint = f64::NAN;
    let status = unsafe { heat(u.as_mut_ptr(), shadow.as_mut_ptr(), 50, 0.1, &mut adjoint, 10) };
    assert_eq!(status, 0);
    let sum: f64 = shadow.iter().sum();
    assert!((sum - 1.0).abs() < 1e-12 && adjoint.is_finite());
    let text = unsafe { CStr::from_ptr(physics_error(20551)) };
    assert!(text.to_str().unwrap().contains("overlap"));
}
