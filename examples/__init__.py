"""Programs to run and to read; tests and benchmarks take problems from them."""
