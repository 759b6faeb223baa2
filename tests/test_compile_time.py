"""A loop over time steps in Python compiles: XLA's compiler may not follow each path through it."""

import subprocess
import sys
from pathlib import Path


def test_an_unrolled_network_compiles() -> None:
    """In two seconds, in both modes. With `where(isnan(x), x, x >= 0)` as the step it never ends, from JAX 0.11 on."""
    code = "from tests.peers.compile_time import seconds\n"
    code += "[seconds('relugrad', 'one layer', 24, mode) for mode in ('grad', 'jvp')]"
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60, check=True)
