"""A neuron like Quickstart's, which learns to spike at five times."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments.experiment import RESET, Experiment, cases, rates
from experiments.network import Case, Neuron, layer, train
from experiments.surrogates import Surrogate

TARGET = jnp.zeros(100).at[jnp.array([15, 30, 50, 70, 90])].set(1.0)


def smooth(spikes: Array) -> Array:
    """A trace that each spike raises by 1 and that decays to 0.8 in a step."""
    return jax.lax.scan(lambda trace, s: (0.8 * trace + s,) * 2, jnp.zeros(()), spikes)[1]


def draw(key: Array, case: Case, updates: int) -> Any:
    """Inputs in 100 time steps, and weights; each update has the same inputs."""
    keys = jax.random.split(key)
    inputs = jax.random.bernoulli(keys[0], 0.1, (100, 40)).astype(jnp.float32)
    return inputs, 0.05 + 0.15 * jax.random.normal(keys[1], (40,)), jnp.zeros(updates)


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """Whether the neuron spikes at its five times and at no other."""
    inputs, weights, updates = drawn
    neuron = Neuron(surrogate(case["peak"], case["width"] / 2), attached=case["reset"])

    def loss(weights: Array, _: Array) -> Array:
        spikes = layer(neuron, inputs @ weights).spikes
        return jnp.mean((smooth(spikes) - smooth(TARGET)) ** 2)

    weights, _ = train(loss, weights, case, updates)
    spikes = jax.vmap(lambda w: layer(neuron, inputs @ w).spikes)(weights)
    return {"solved": (spikes == TARGET).all(axis=1)}


PAIRS = [(0.3, 0.5), (0.3, 1.0), (0.3, 2.0), (0.3, 4.0), (0.6, 2.0), (1.0, 1.0), (1.0, 4.0)]
SGD = rates("SGD", 0.003, 0.01, 0.03, 0.1, 0.3)
ADAM = rates("Adam", 0.001, 0.003, 0.01, 0.03, 0.1)
NEURON = Experiment(
    "What do width, peak, reset and learning rate do to Quickstart's neuron?",
    cases(pair=[{"peak": p, "width": w} for p, w in PAIRS], reset=RESET, how=SGD + ADAM),
    by=("peak", "width", "reset"),
    draw=draw,
    trial=trial,
    seeds=60,
    updates=2000,
    outcomes=("solved",),
)
