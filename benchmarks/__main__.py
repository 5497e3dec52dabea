"""`python -m benchmarks` runs `benchmarks/run.py`."""

from benchmarks.run import main

raise SystemExit(main())
