"""What ReluGrad costs, beside the triangles of the libraries that are installed.

All that is compared is timed in each of the `TURNS`. What counts is the median of the turns, or of the
ratios in each turn: between turns, a machine gets faster or slower.
"""

import functools
import random
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.peers.others import Function, imported, plain

from relugrad import ReluGrad

TURNS = range(15)
braintools, spyx = imported("braintools.surrogate"), imported("spyx.axn")
# From alpha and width. spyx has the width alone.
MAKE: dict[str, Function] = {
    "relugrad": ReluGrad,
    "relugrad again": ReluGrad,
    "plain": plain,
    "braintools": lambda alpha, width: braintools.ReluGrad(alpha, width),
    "spyx": lambda _, width: spyx.triangular(1 / width),
}
NAMES = list(MAKE)
SPIKE = {name: make(1.0, 1.0) for name, make in MAKE.items()}
FIVE = jnp.linspace(-2.0, 2.0, 5)
EAGER: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "call": (lambda spike: spike, FIVE),
    "grad": (jax.grad, FIVE[1]),
    "vmap(grad)": (lambda spike: jax.vmap(jax.grad(spike)), FIVE),
}


def drawn(*names: str) -> list[tuple[int, str]]:
    """Each name in each turn, in an order of its own, so that none always runs after the same one."""
    return [(t, name) for t in TURNS for name in random.Random(t).sample(names, len(names))]


@pytest.mark.parametrize(("turn", "name"), drawn("empty jitted function", *NAMES))
@pytest.mark.parametrize("transformed", EAGER)
@pytest.mark.benchmark(group="outside jit")
def test_outside_jit(benchmark: Any, transformed: str, turn: int, name: str) -> None:
    """Five elements, called and differentiated from Python; the result is not awaited."""
    transform, x = EAGER[transformed]
    benchmark(transform(SPIKE.get(name, jax.jit(lambda x: x))), x)


def checkpointed(step: Any, start: Any, currents: Any) -> Any:
    """A scan that keeps the state of each tenth time step, and computes the others again."""
    segment = jax.checkpoint(lambda state, currents: jax.lax.scan(step, state, currents))
    return jax.lax.scan(segment, start, currents.reshape(-1, 10, *currents.shape[1:]))


def loss(weights: Any, currents: Any, spike: Any, scan: Any = jax.lax.scan) -> Any:
    """How far the rates of leaky integrate-and-fire neurons are from a tenth.

    The gradient flows through the reset.
    """

    def step(state: Any, current: Any) -> Any:
        potential, total = state
        potential = 0.9 * potential + current @ weights
        spikes = spike(potential - 1.0)
        return (potential - spikes, total + spikes), None

    zero = jnp.zeros((currents.shape[1], weights.shape[1]))
    (_, total), _ = scan(step, (zero, zero), currents)
    return jnp.square(total / len(currents) - 0.1).mean()


def inputs(neurons: int, steps: int) -> tuple[Any, Any]:
    """Weights, and 100 currents in each time step, for each of 128 examples."""
    random = np.random.default_rng(0)
    weights, currents = random.normal(size=(100, neurons)), random.uniform(size=(steps, 128, 100))
    return np.float32(0.1 * weights), np.float32(currents)


@functools.cache
def training(name: str, steps: int) -> tuple[Function, dict[str, Any]]:
    """A compiled step of training of 1000 neurons, and what it takes beside time."""
    library, _, checkpoint = name.partition(", ")
    weights, currents = inputs(1000, steps)
    scan = checkpointed if checkpoint else jax.lax.scan
    of_weights = functools.partial(loss, currents=currents, spike=SPIKE[library], scan=scan)
    kept = jax.eval_shape(lambda weights: jax.vjp(of_weights, weights)[1], weights)
    lowered = jax.jit(jax.value_and_grad(of_weights)).lower(weights)
    start = time.perf_counter()
    step = lowered.compile()
    seconds = time.perf_counter() - start
    memory: Any = step.memory_analysis()
    on_device = jnp.asarray(weights)
    return lambda: jax.block_until_ready(step(on_device)), {
        "compile": round(seconds, 4),
        "kept": sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(kept)),
        "temporary": memory and memory.temp_size_in_bytes,
    }


CASES = [
    *((name, 100) for name in NAMES),
    ("relugrad, checkpoint", 100),
    *(("relugrad", steps) for steps in (25, 50, 200)),
]


@pytest.mark.parametrize(("name", "steps"), CASES)
@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.benchmark(group="training")
def test_training(benchmark: Any, turn: int, name: str, steps: int) -> None:
    """The loss of 128 examples and its gradient."""
    step, info = training(name, steps)
    benchmark.extra_info.update(info)
    benchmark.pedantic(step, rounds=3, warmup_rounds=1)
