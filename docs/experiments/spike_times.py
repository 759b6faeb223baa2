"""A classification by the timing of spikes alone (randman; Zenke and Vogels 2021)."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments.experiment import RESET, Case, Experiment, cases, rates
from experiments.network import Neuron, cross_entropy, layer, train
from experiments.surrogates import SHAPES, Surrogate

CLASSES, INPUTS, HIDDEN, TIMES, BATCH, POINTS = 10, 20, 32, 30, 20, 400
HALVES = [0.05, 0.16, 0.5, 1.6, 5.0]


def points(key: Array, number: int) -> tuple[Array, Array]:
    """Points of all classes: the time of each input's spike, and the class."""
    keys = jax.random.split(key, 3)
    order = jnp.arange(1, 6)
    sizes, phases = jax.random.uniform(keys[0], (2, CLASSES, INPUTS, 5))

    def curve(sizes: Array, phases: Array, place: Array) -> Array:
        return (sizes * order**-0.5 * jnp.sin(2 * jnp.pi * (order * place + phases))).sum(-1)

    along = jax.vmap(curve, (None, None, 0))(sizes, phases, jnp.linspace(0, 1, 200))
    low, high = along.min(axis=0), along.max(axis=0)
    label = jax.random.randint(keys[1], (number,), 0, CLASSES)
    place = jax.random.uniform(keys[2], (number,))
    height = jax.vmap(curve)(sizes[label], phases[label], place) - low[label]
    return jnp.floor(25 * jnp.clip(height / (high - low)[label], 0, 0.999)), label


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights, batches to learn, and as many points to choose a rate by as to report."""
    keys = jax.random.split(key, 3)
    weights = {
        "in": 0.6 * jax.random.normal(keys[0], (INPUTS, HIDDEN)) / INPUTS**0.5,
        "out": jax.random.normal(keys[1], (HIDDEN, CLASSES)) / HIDDEN**0.5,
    }
    drawn = points(keys[2], updates * BATCH + 2 * POINTS)
    learned = [one[: -2 * POINTS].reshape(updates, BATCH, *one.shape[1:]) for one in drawn]
    return weights, learned, [one[-2 * POINTS :] for one in drawn]


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The share of right answers, in both halves of the new points."""
    weights, learned, (times, label) = drawn
    frozen = case["shape"] == "none"
    surrogate = SHAPES.get(case["shape"], surrogate) if case["shape"] != "triangle" else surrogate
    neuron = Neuron(surrogate(case["peak"], case["half"]), attached=case["reset"])

    def scores(weights: Any, times: Array) -> Any:
        """The mean over time of a leaky readout, for each class."""
        since = jnp.arange(TIMES)[:, None, None] - times
        w_in = jax.lax.stop_gradient(weights["in"]) if frozen else weights["in"]
        spikes = layer(neuron, jnp.where(since < 0, 0, 0.8**since) @ w_in).spikes
        kept = (1 - 0.9 ** jnp.arange(TIMES, 0, -1)) / (1 - 0.9) / TIMES  # of a spike
        return jnp.tensordot(kept, spikes, 1) @ weights["out"]

    def loss(weights: Any, batch: Any) -> Any:
        return cross_entropy(scores(weights, batch[0]), batch[1])

    weights, _ = train(loss, weights, case, learned)
    right = jax.vmap(scores, (0, None))(weights, times).argmax(axis=2) == label
    return {"valid": right[:, :POINTS].mean(axis=1), "test": right[:, POINTS:].mean(axis=1)}


HOW = rates("Adam", 0.002, 0.006, 0.02, 0.06)
TRIANGLES = [{"half": half, "peak": peak} for half, peak in [(0.5, 0.3), (0.5, 10.0), (5.0, 0.3)]]
EXPERIMENT = Experiment(
    name="spike_times",
    question="Does a surrogate's shape matter, or its scale, where only the timing of spikes tells "
    "the class?",
    drawn="A seed draws the curves of the classes, the points on them and the weights.",
    cases=[
        *cases(shape=SHAPES, half=HALVES, peak=[1.0], reset=RESET, how=HOW),
        *cases(shape=["triangle"], scale=TRIANGLES, reset=RESET, how=HOW),
        *cases(shape=["none"], half=[0.5], peak=[1.0], reset=["detached"], how=HOW),
    ],
    draw=draw,
    trial=trial,
    seeds=12,
    updates=750,
    outcome="test",
    best="highest",
    by=("shape", "reset"),
    tuned=("half", "peak", "optimizer", "rate"),
    chosen_by="valid",
    words={"none": "none (hidden weights stay as drawn)", "shape": "shape of the surrogate"},
)
