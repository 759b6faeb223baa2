"""Two cues, 28 steps apart, for layers that remember the first in different ways."""

from typing import Any

import jax
from jax import Array

from experiments.experiment import Case, Experiment, cases, rates
from experiments.network import Neuron, attach, cross_entropy, layer, train
from experiments.surrogates import Surrogate

NEURONS, BATCH = 32, 16
LAYERS: dict[str, Any] = {
    "lif": {},
    "synaptic": {"synapse": 0.97},
    "adaptive": {"beta": 1.0},
    "recurrent": {},
}
CONTROLS = ("none", "frozen", "rise detached")


def cues(key: Array, count: int) -> tuple[Array, Array]:
    """Sequences of 40 steps, and whether their cues are on the same channel."""
    keys = jax.random.split(key)
    first, second = jax.random.randint(keys[0], (2, count), 0, 2)
    inputs = 0.1 * jax.random.normal(keys[1], (40, count, 2))
    inputs = inputs.at[:4].add(jax.nn.one_hot(first, 2)).at[32:36].add(jax.nn.one_hot(second, 2))
    return inputs, (first == second).astype(int)


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights, a key for each batch, and new sequences."""
    keys = jax.random.split(key, 5)
    weights = {
        "in": jax.random.normal(keys[0], (2, NEURONS)),
        "out": jax.random.normal(keys[1], (NEURONS, 2)) / NEURONS**0.5,
        "back": 0.1 * jax.random.normal(keys[2], (NEURONS, NEURONS)),
    }
    return weights, jax.random.split(keys[3], updates), cues(keys[4], 256)


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The accuracy on new sequences."""
    weights, batches, (inputs, labels) = drawn
    neuron = Neuron(
        surrogate(case["peak"], case["width"] / 2),
        attached=case["reset"],
        rise_attached=case["control"] != CONTROLS.index("rise detached"),
        **LAYERS[case["layer"]],
    )

    def scores(weights: Any, inputs: Array) -> Any:
        trained = case["control"] != CONTROLS.index("frozen")
        w_in, back = attach(weights["in"], trained), attach(weights["back"], trained)
        recurrent = case["layer"] == "recurrent"
        spikes = layer(neuron._replace(back=back if recurrent else None), inputs @ w_in).spikes
        return spikes[32:].sum(axis=0) @ weights["out"]  # from the second cue on

    def loss(weights: Any, key: Array) -> Any:
        inputs, labels = cues(key, BATCH)
        return cross_entropy(scores(weights, inputs), labels)

    weights, _ = train(loss, weights, case, batches)
    right = jax.vmap(scores, (0, None))(weights, inputs).argmax(axis=2) == labels
    return {"accuracy": right.mean(axis=1)}


HOW = rates("Adam", 0.003, 0.01, 0.03)
DEFAULT = {"reset": "detached", "width": 1.0, "control": "none"}
EXPERIMENT = Experiment(
    name="memory",
    question="At which peaks do layers with an adaptive threshold or recurrent weights keep their "
    "memory?",
    drawn="A seed draws the weights and the sequences.",
    cases=[
        *cases(
            layer=["adaptive", "recurrent"],
            triangle=[DEFAULT, DEFAULT | {"reset": "attached"}, DEFAULT | {"width": 2.0}],
            peak=[0.1, 0.3, 1.0, 3.0],
            how=HOW,
        ),
        *cases(
            layer=["adaptive", "recurrent"],
            triangle=[DEFAULT],
            peak=[0.3, 1.0],
            how=rates("SGD", 0.03, 0.1),
        ),
        *cases(layer=["lif", "synaptic"], triangle=[DEFAULT], peak=[0.3, 1.0], how=HOW),
        *cases(
            layer=["adaptive", "recurrent", "synaptic"],
            triangle=[DEFAULT | {"control": "frozen"}],
            peak=[0.3],
            how=HOW,
        ),
        *cases(
            layer=["adaptive"],
            triangle=[
                DEFAULT | {"control": "rise detached"} | other
                for other in ({}, {"reset": "attached"}, {"width": 2.0})
            ],
            peak=[0.3, 1.0],
            how=HOW,
        ),
    ],
    draw=draw,
    trial=trial,
    seeds=20,
    updates=500,
    outcome="accuracy",
    best="highest",
    by=("layer", "control", "reset", "width", "peak"),
    tuned=("optimizer", "rate"),
    words={
        "layer": "kind of layer",
        "lif": "leaky integrate-and-fire",
        "frozen": "hidden weights stay as drawn",
        "rise detached": "no gradient through the raised threshold",
    },
    traced={"control": CONTROLS},
)
