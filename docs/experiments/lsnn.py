"""Adaptive and recurrent neurons (LSNN; Bellec et al. 2018, 2020) on two tasks of memory."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments.experiment import RESET, Case, Experiment, cases, rates
from experiments.network import Neuron, attach, cross_entropy, layer, train
from experiments.surrogates import Surrogate

NEURONS, BATCH, HELD_OUT = 32, 32, 256
BETA = jnp.where(jnp.arange(NEURONS) < NEURONS // 2, 1.0, 0.0)  # half of the neurons adapt


def temporal_order(key: Array, number: int) -> tuple[Array, Array]:
    """A symbol in each of 50 steps. Two of them, among distractors, were X or Y: in which order?"""
    keys = jax.random.split(key, 3)
    which = jax.random.randint(keys[0], (number, 2), 0, 2)
    when = jax.random.randint(keys[1], (number, 2), 0, 6) + jnp.array([4, 22])
    symbols = jax.random.randint(keys[2], (number, 50), 2, 6)
    symbols = symbols.at[jnp.arange(number)[:, None], when].set(which)
    return jax.nn.one_hot(symbols.T, 6), which @ jnp.array([2, 1])


def accumulated_cues(key: Array, number: int) -> tuple[Array, Array]:
    """Seven cues on the left or on the right, and a pause of 25 steps: where were more?"""
    keys = jax.random.split(key)
    left = jax.random.bernoulli(keys[0], shape=(7, number))
    on = jnp.stack([left, ~left], axis=2)[:, None] * jnp.array([1, 1, 1, 0, 0])[:, None, None]
    cues = jnp.pad(on.reshape(35, number, 2), ((0, 25), (0, 0), (0, 0))).repeat(5, axis=2)
    rate = jnp.pad(0.02 + 0.4 * cues, ((0, 0), (0, 0), (0, 5)), constant_values=0.1)
    return jax.random.bernoulli(keys[1], rate).astype(float), (left.sum(axis=0) > 3).astype(int)


TASKS = {  # the sequences, the inputs, and the scale of their weights
    "temporal order": (temporal_order, 6, 1.0),
    "accumulated cues": (accumulated_cues, 15, 0.5),
}


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights, a key for each batch, and sequences that are held out."""
    keys = jax.random.split(key, 5)
    make, inputs, scale = TASKS[case["task"]]
    weights = {
        "in": scale * jax.random.normal(keys[0], (inputs, NEURONS)),
        "back": 0.5 / NEURONS**0.5 * jax.random.normal(keys[1], (NEURONS, NEURONS)),
        "out": 3 / NEURONS**0.5 * jax.random.normal(keys[2], (NEURONS, 4)),
    }
    return weights, jax.random.split(keys[3], updates), make(keys[4], 2 * HELD_OUT)


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The share of right answers on both halves of what is held out, and the firing rate."""
    start, batches, (inputs, labels) = drawn
    make = TASKS[case["task"]][0]

    def scores(weights: Any, inputs: Array) -> Any:
        neuron = Neuron(
            surrogate(case["peak"], case["half"]),
            attached=case["reset"],
            beta=BETA,
            rise_attached=case["rise"],
            back=attach(weights["back"], case["hidden"]),
        )
        spikes = layer(neuron, inputs @ attach(weights["in"], case["hidden"])).spikes
        return spikes[-8:].mean(axis=0) @ weights["out"], spikes.mean()

    def loss(weights: Any, key: Array) -> Any:
        inputs, labels = make(key, BATCH)
        return cross_entropy(scores(weights, inputs)[0], labels)

    weights, _ = train(loss, start, case, batches)
    found, rate = jax.vmap(scores, (0, None))(weights, inputs)
    right = found.argmax(2) == labels
    return {
        "valid": right[:, :HELD_OUT].mean(1),
        "test": right[:, HELD_OUT:].mean(1),
        "spikes": rate,
    }


HOW = rates("Adam", 0.003, 0.01)
GRID: dict[str, Any] = {"peak": [0.1, 0.3, 1.0], "half": [0.5, 2.0], "rise": RESET, "reset": RESET}
FROZEN: dict[str, Any] = {"peak": [0.3], "half": [0.5], "rise": RESET[1:], "reset": RESET[1:]}
EXPERIMENT = Experiment(
    name="lsnn",
    question="Which peak and width does an adaptive, recurrent network need, and which gradients?",
    drawn="A seed draws the weights and the sequences.",
    cases=[
        *cases(task=TASKS, hidden=["trained"], **GRID, how=HOW),
        *cases(task=TASKS, hidden=["frozen"], **FROZEN, how=HOW),
    ],
    draw=draw,
    trial=trial,
    seeds=10,
    updates=750,
    outcome="test",
    best="highest",
    by=("task", "hidden", "rise", "reset", "peak", "half"),
    tuned=("optimizer", "rate"),
    chosen_by="valid",
    words={"rise": "gradient through the raised threshold"},
    traced={"hidden": ("frozen", "trained"), "rise": RESET},
    in_turn=True,
)
