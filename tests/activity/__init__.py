"""Tests of the facts: what the engine finds out about a kernel."""
