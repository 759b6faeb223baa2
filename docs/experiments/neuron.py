"""Quickstart's neuron, and one like it: each learns to spike at chosen times."""

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from experiments.experiment import DEFAULT, RESET, Experiment, cases, rates
from experiments.network import Case, Neuron, layer, train
from experiments.surrogates import Surrogate


class Task(NamedTuple):
    """When a neuron should spike, and what it learns this from."""

    target: Array
    inputs: int
    weights: tuple[float, float]  # at first: mean and standard deviation


TASKS = {
    "five times": Task(jnp.zeros(100).at[jnp.array([15, 30, 50, 70, 90])].set(1), 40, (0.05, 0.15)),
    "quickstart": Task(jnp.zeros(50).at[jnp.array([10, 20, 30, 45])].set(1), 100, (0.03, 0.05)),
}


def smooth(spikes: Array) -> Array:
    """A trace that each spike raises by 1 and that decays to 0.8 in a step."""
    return jax.lax.scan(lambda trace, s: (0.8 * trace + s,) * 2, jnp.zeros(()), spikes)[1]


def draw(key: Array, case: Case, updates: int) -> Any:
    """Inputs in all time steps, and weights; each update has the same inputs."""
    keys, (target, number, (mean, deviation)) = jax.random.split(key), TASKS[case["task"]]
    inputs = jax.random.bernoulli(keys[0], 0.1, (len(target), number)).astype(jnp.float32)
    return inputs, mean + deviation * jax.random.normal(keys[1], (number,)), jnp.zeros(updates)


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """How often the neuron spikes, and whether at its times and at no other."""
    inputs, weights, updates = drawn
    neuron = Neuron(surrogate(case["peak"], case["width"] / 2), attached=case["reset"])
    target = TASKS[case["task"]].target

    def loss(weights: Array, _: Array) -> Array:
        spikes = layer(neuron, inputs @ weights).spikes
        return jnp.mean((smooth(spikes) - smooth(target)) ** 2)

    weights, _ = train(loss, weights, case, updates)
    spikes = jax.vmap(lambda w: layer(neuron, inputs @ w).spikes)(weights)
    return {"solved": (spikes == target).all(axis=1), "spikes": spikes.sum(axis=1)}


PAIRS = [(0.3, 0.5), (0.3, 1.0), (0.3, 2.0), (0.3, 4.0), (0.6, 2.0), (1.0, 1.0), (1.0, 4.0)]
FIVE = [{"task": "five times", "peak": peak, "width": width} for peak, width in PAIRS]
SGD = rates("SGD", 0.003, 0.01, 0.03, 0.1, 0.3)
ADAM = rates("Adam", 0.001, 0.003, 0.01, 0.03, 0.1)
NEURON = Experiment(
    "What do width, peak, reset and learning rate do to Quickstart's neuron?",
    cases(of=FIVE, reset=RESET, how=SGD + ADAM),
    by=("peak", "width", "reset"),
    draw=draw,
    trial=trial,
    seeds=60,
    updates=2000,
    outcomes=("solved",),
    sampled=(1, 20, 20),
)
QUICKSTART = replace(
    NEURON,
    question="How often does Quickstart's neuron learn, and how often does it fall silent?",
    cases=cases(of=[DEFAULT | {"task": "quickstart"}], how=rates("SGD", 0.003, 0.03, 0.3)),
    outcomes=("solved", "spikes"),
)
