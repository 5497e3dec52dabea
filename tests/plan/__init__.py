"""Tests of the plan: what it says of small kernels, and what its verifier says of plans broken on purpose."""
