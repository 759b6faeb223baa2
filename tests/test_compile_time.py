"""A loop over time steps in Python compiles, and with ``forward_mode=True`` to no more than without."""

import subprocess
import sys
from pathlib import Path

CODE = """
import jax
from tests.peers.compile_time import lowered
from relugrad import ReluGrad

def instructions(forward_mode, transform):
    program = lowered(ReluGrad(forward_mode=forward_mode), "one layer", 24, transform)
    return program.compile().as_text().count("\\n")

print(instructions(False, jax.value_and_grad))
print(instructions(True, jax.value_and_grad))
print(instructions(True, lambda loss: lambda weights: jax.jvp(loss, (weights,), (weights,))))
"""


def test_the_gradient_of_an_unrolled_network_compiles_in_forward_mode_too() -> None:
    """To as many instructions, which are the same in each run, where seconds depend on other programs.

    The limit on the clock ends a compilation in which LLVM follows each path through the steps.
    """
    run, root = [sys.executable, "-c", CODE], Path(__file__).parents[1]
    printed = subprocess.check_output(run, cwd=root, timeout=300)
    default, forward_mode, _ = map(int, printed.split())
    assert forward_mode <= 1.1 * default
