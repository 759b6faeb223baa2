"""A loop over time steps in Python compiles, and with ``forward_mode=True`` to no more than without."""

import subprocess
import sys

PROGRAM = """
import jax
import jax.numpy as jnp
from relugrad import ReluGrad

def instructions(spike, transform):
    def loss(weights):
        v = spikes = jnp.zeros((32, 64))
        for current in jnp.ones((24, 32, 20)) @ weights["in"]:
            s = spike(v + current - 1)
            v, spikes = 0.9 * (v + current - s), spikes + s
        return -jax.nn.log_softmax(spikes @ weights["out"])[:, 0].mean()

    weights = {"in": jnp.full((20, 64), 0.1), "out": jnp.full((64, 3), 0.1)}
    return jax.jit(transform(loss)).lower(weights).compile().as_text().count("\\n")

print(instructions(ReluGrad(), jax.value_and_grad))
print(instructions(ReluGrad(forward_mode=True), jax.value_and_grad))
print(instructions(ReluGrad(forward_mode=True), lambda f: lambda w: jax.jvp(f, (w,), (w,))))
"""


def test_the_gradient_of_an_unrolled_network_compiles_in_forward_mode_too() -> None:
    """To as many instructions, which are the same in each run, where seconds depend on other programs.

    The limit on the clock ends a compilation in which LLVM follows each path through the steps.
    """
    printed = subprocess.check_output([sys.executable, "-c", PROGRAM], timeout=300)
    default, forward_mode, _ = map(int, printed.split())
    assert forward_mode <= 1.1 * default
