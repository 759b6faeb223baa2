"""Rules for the width, on several tasks."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments import network
from experiments.experiment import RESET, Case, Experiment, cases, rates
from experiments.memory import cues
from experiments.network import Neuron, cross_entropy, layer, train
from experiments.surrogates import Surrogate

RULES = ["0.5", "1", "2", "4", "RMS"]  # RMS: of x in the untrained network
NEURONS, BATCH, TESTED = 32, 32, 320
IMAGES, LABELS = network.digits()


def dots(key: Array, count: int) -> tuple[Array, Array]:
    """A dot that moves left or right over 16 places, with noise."""
    keys = jax.random.split(key, 3)
    right = jax.random.randint(keys[0], (count,), 0, 2)
    first = jax.random.randint(keys[1], (count,), 0, 16)
    places = first + jnp.arange(16)[:, None] * (2 * right - 1)
    noise = 0.1 * jax.random.normal(keys[2], (16, count, 16))
    return jax.nn.one_hot(places % 16, 16) + noise, right


def images(key: Array, count: int) -> tuple[Array, Array]:
    """Handwritten digits, ten time steps of each."""
    chosen = jax.random.randint(key, (count,), 0, len(LABELS) - TESTED)
    return jnp.repeat(IMAGES[chosen][None], 10, axis=0), LABELS[chosen]


# Inputs, the shapes and the scale of their weights, and how far a spike raises the threshold
TASKS: dict[str, Any] = {
    "cues, adaptive": (cues, [2], 1.0, 1.0),
    "cues, recurrent": (cues, [2], 1.0, None),
    "dots, three layers": (dots, [16, NEURONS, NEURONS], None, None),
    "digits": (images, [64], 0.25, None),
    "digits, silent": (images, [64], 0.02, None),
}


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights, a key for each batch, and a key for new data."""
    _, sizes, scale, _ = TASKS[case["task"]]
    keys = iter(jax.random.split(key, 8))
    weights = {
        "hidden": [
            (scale or 2 / n**0.5) * jax.random.normal(next(keys), (n, NEURONS)) for n in sizes
        ],
        "back": 0.1 * jax.random.normal(next(keys), (NEURONS, NEURONS)),
        "out": jax.random.normal(next(keys), (NEURONS, 10)) / 32,
    }
    return weights, jax.random.split(next(keys), updates), next(keys)


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The percentage of correct answers on new data."""
    weights, batches, key = drawn
    data, _, _, beta = TASKS[case["task"]]
    recurrent = case["task"] == "cues, recurrent"

    def passed(weights: Any, inputs: Array, spike: Any) -> list[network.Passed]:
        back = weights["back"] if recurrent else None
        neuron, layers = Neuron(spike, attached=case["reset"], beta=beta, back=back), []
        for w in weights["hidden"]:
            layers.append(layer(neuron, inputs @ w, unroll=2))
            inputs = layers[-1].spikes
        return layers

    x = jnp.stack([one.x for one in passed(weights, data(batches[0], BATCH)[0], surrogate(1, 1))])
    rms = jnp.sqrt(jnp.mean(x**2))
    width = jnp.stack([*map(float, RULES[:-1]), rms])[case["rule"]]
    spike = surrogate(case["peak"], width / 2)

    def scores(weights: Any, inputs: Array) -> Any:
        return passed(weights, inputs, spike)[-1].spikes[-8:].sum(axis=0) @ weights["out"]

    def loss(weights: Any, key: Array) -> Any:
        inputs, labels = data(key, BATCH)
        return cross_entropy(scores(weights, inputs), labels)

    weights, _ = train(loss, weights, case, batches)
    inputs, labels = data(key, TESTED)
    if data is images:  # those that no batch has
        inputs, labels = jnp.repeat(IMAGES[None, -TESTED:], 10, axis=0), LABELS[-TESTED:]
    guesses = jax.vmap(scores, (0, None))(weights, inputs).argmax(axis=2)
    return {"correct": jnp.round(100 * jnp.mean(guesses == labels, axis=1))}


EXPERIMENT = Experiment(
    name="width",
    question="Does one rule for the width, at a constant peak, work on several tasks?",
    drawn="A seed draws the weights and the data. RMS is that of x in the untrained network.",
    cases=[
        case
        for task in TASKS
        for case in cases(
            task=[task],
            reset=RESET[: 1 if "cues" in task or "dots" in task else 2],
            rule=RULES,
            peak=[0.3, 1.0],
            how=[*rates("Adam", 0.01, 0.03), *rates("SGD", 0.3)],
        )
    ],
    draw=draw,
    trial=trial,
    seeds=10,
    updates=500,
    outcome="correct",
    best="highest",
    by=("task", "reset", "rule"),
    tuned=("peak", "optimizer", "rate"),
    words={"rule": "rule for the width"},
    traced={"rule": RULES},
)
