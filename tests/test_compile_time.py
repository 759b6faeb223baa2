"""A loop over time steps in Python compiles, and with ``forward_mode=True`` no longer than without."""

import subprocess
import sys
from pathlib import Path

CODE = """
from tests.peers.compile_time import seconds
for mode in "grad", "grad, forward mode", "jvp":
    print(min(seconds("relugrad", "one layer", 24, mode) for _ in range(2)))
"""


def test_the_gradient_of_an_unrolled_network_compiles_in_forward_mode_too() -> None:
    """In seconds of the CPU, the less of two, because other programs still change them by a third.

    The limit on the clock ends a compilation in which LLVM follows each path through the steps.
    """
    run = [sys.executable, "-c", CODE]
    root = Path(__file__).parents[1]
    printed = subprocess.run(run, cwd=root, timeout=300, check=True, stdout=subprocess.PIPE).stdout
    default, forward_mode, _ = map(float, printed.split())
    assert forward_mode <= 1.3 * default + 0.5
