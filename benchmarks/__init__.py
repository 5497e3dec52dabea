"""Benchmarks of pyfront's derivatives: `make bench` runs `benchmarks/run.py`."""
