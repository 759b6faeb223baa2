"""A loop over time steps in Python compiles: XLA's compiler may not follow each path through it."""

import subprocess
import sys
from pathlib import Path


def test_an_unrolled_network_compiles(forward_mode: bool) -> None:
    """In two seconds. With `where(isnan(x), x, x >= 0)` as the step it never ends, from JAX 0.11 on."""
    network = ["relugrad", "one layer", "24", "jvp" if forward_mode else "grad"]
    run = [sys.executable, "-m", "tests.peers.compile_time", *network]
    subprocess.run(run, cwd=Path(__file__).parents[1], timeout=60, check=True)
