"""What ReluGrad costs, beside the triangles of other libraries.

All are timed in each of the `TURNS`. What counts is the median of the turns, or of the ratios in each
turn: between turns, a machine gets faster or slower.
"""

import functools
import random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.peers.others import SURROGATES, Function

TURNS = range(15)
NAMES = ["relugrad", "plain", "braintools", "spyx"]
SPIKE = {name: SURROGATES[name]() for name in NAMES}
# In each turn an order of its own, so that none always runs after the same one
ORDER = [(turn, name) for turn in TURNS for name in random.Random(turn).sample(NAMES, len(NAMES))]
in_turns = pytest.mark.parametrize(("turn", "name"), ORDER)


@in_turns
@pytest.mark.benchmark(group="outside jit", min_rounds=3, min_time=0.0002, max_time=0.03)
def test_outside_jit(benchmark: Any, turn: int, name: str) -> None:
    """Five elements, called from Python; the result is not awaited."""
    benchmark(SPIKE[name], jnp.linspace(-2.0, 2.0, 5))


def loss(weights: Any, currents: Any, spike: Function) -> Any:
    """How far the rates of leaky integrate-and-fire neurons are from a tenth.

    The gradient flows through the reset.
    """

    def step(state: Any, current: Any) -> Any:
        potential, total = state
        potential = 0.9 * potential + current @ weights
        spikes = spike(potential - 1.0)
        return (potential - spikes, total + spikes), None

    zero = jnp.zeros((currents.shape[1], weights.shape[1]))
    (_, total), _ = jax.lax.scan(step, (zero, zero), currents)
    return jnp.square(total / len(currents) - 0.1).mean()


@functools.cache
def training(name: str) -> tuple[Function, int]:
    """A compiled step of training, and the bytes that it keeps for the backward pass.

    1000 neurons get 100 currents in each of 100 time steps, for each of 128 examples.
    """
    rng = np.random.default_rng(0)
    weights = jnp.asarray(0.1 * rng.normal(size=(100, 1000)), "float32")
    currents = np.float32(rng.uniform(size=(100, 128, 100)))
    of_weights = functools.partial(loss, currents=currents, spike=SPIKE[name])
    residuals = jax.eval_shape(lambda weights: jax.vjp(of_weights, weights)[1], weights)
    kept = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(residuals))
    step = jax.jit(jax.value_and_grad(of_weights)).lower(weights).compile()
    return lambda: jax.block_until_ready(step(weights)), kept


@in_turns
@pytest.mark.benchmark(group="training")
def test_training(benchmark: Any, turn: int, name: str) -> None:
    """The loss of all examples and its gradient."""
    step, benchmark.extra_info["kept"] = training(name)
    benchmark.pedantic(step, rounds=3, warmup_rounds=1)
