"""Run an adapter under an interpreter of its own: `python launch.py ADAPTER`.

The adapter imports `benchmarks.peers.workload` and nothing else from this checkout, which is on the path for that one
import only: its folders and packages that peers install have names in common (`agents`, `benchmarks`).
"""

import importlib
import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
importlib.import_module("benchmarks.peers.workload")
del sys.path[0]
runpy.run_path(sys.argv[1], run_name="__main__")
