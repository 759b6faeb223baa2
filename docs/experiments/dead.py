"""A network of three layers that is silent at first, and the remedies."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments.experiment import Case, Experiment, cases, rates
from experiments.network import Neuron, cross_entropy, digits, layer, train
from experiments.surrogates import Surrogate

NEURONS, TIMES, BATCH = 32, 20, 20
SETTINGS = ("network", "scale", "peak", "width", "potentials", "lowest", "highest")
IMAGES, LABELS = digits()
NETWORKS = [  # bounds and penalty are on the firing rates, and on potentials below the threshold
    dict(zip(SETTINGS, one, strict=True))
    for one in [
        ("small weights", 0.02, 0.3, 1.0, 0.0, 0.0, 1.0),
        ("wider support", 0.02, 0.3, 2.0, 0.0, 0.0, 1.0),
        ("medium weights", 0.12, 0.3, 1.0, 0.0, 0.0, 1.0),
        ("larger weights", 0.25, 0.3, 1.0, 0.0, 0.0, 1.0),
        ("penalty on low potentials", 0.02, 0.3, 1.0, 1.0, 0.0, 1.0),
        ("penalty on low rates", 0.02, 0.3, 1.0, 0.0, 0.1, 1.0),
        ("larger weights with rates to 0.2", 0.25, 0.3, 1.0, 0.0, 0.0, 0.2),
        ("larger weights with rates to 0.1", 0.25, 0.3, 1.0, 0.0, 0.0, 0.1),
    ]
]


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights of three hidden layers before they are scaled, batches, and images to test with."""
    keys = jax.random.split(key, 6)
    shapes = [(64, NEURONS), (NEURONS, NEURONS), (NEURONS, NEURONS)]
    hidden = [jax.random.normal(*one) for one in zip(keys[:3], shapes, strict=True)]
    weights = {"hidden": hidden, "out": jax.random.normal(keys[3], (NEURONS, 10)) / NEURONS**0.5}
    order = jax.random.permutation(keys[4], len(LABELS))
    return weights, jax.random.choice(keys[5], order[400:], (updates, BATCH)), order[:400]


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The accuracy on new images, and the mean firing rate of the hidden neurons."""
    weights, batches, others = drawn
    weights = weights | {"hidden": [case["scale"] * one for one in weights["hidden"]]}
    neuron = Neuron(surrogate(case["peak"], case["width"] / 2), attached=False)

    def network(weights: Any, images: Array) -> Any:
        s, layers = jnp.broadcast_to(images, (TIMES, *images.shape)), []
        for w in weights["hidden"]:
            layers.append(layer(neuron, s @ w))
            s = layers[-1].spikes
        return s.mean(axis=0) @ weights["out"], layers

    def loss(weights: Any, batch: Array) -> Any:
        scores, layers = network(weights, IMAGES[batch])
        total = cross_entropy(scores, LABELS[batch])
        for s, x in layers:  # what is added for low potentials, and for rates out of bounds
            rates = s.mean(axis=(0, 1))
            out = jax.nn.relu(case["lowest"] - rates) + jax.nn.relu(rates - case["highest"])
            low = jax.nn.relu(-x.max(axis=(0, 1))).mean()
            total += (3 * out.mean() + case["potentials"] * low) / len(layers)
        return total

    weights, _ = train(loss, weights, case, batches)
    scores, layers = jax.vmap(network, (0, None))(weights, IMAGES[others])
    right = scores.argmax(axis=2) == LABELS[others]
    firing = jnp.stack([one.spikes for one in layers]).mean(axis=(0, 2, 3, 4))
    return {"accuracy": right.mean(axis=1), "firing": firing}


EXPERIMENT = Experiment(
    name="dead",
    question="What wakes a silent network, and what does an upper bound on its firing rates cost?",
    drawn="A seed draws the weights and the images.",
    cases=cases(
        network=NETWORKS, how=[*rates("SGD", 0.1, 0.5, 2.5), *rates("Adam", 0.002, 0.01, 0.05)]
    ),
    draw=draw,
    trial=trial,
    seeds=10,
    updates=400,
    outcome="accuracy",
    best="highest",
    by=("network",),
    tuned=("optimizer", "rate"),
    traced={"network": [str(one["network"]) for one in NETWORKS]},
    words={
        "scale": "scale of the weights",
        "potentials": "penalty on low potentials",
        "lowest": "lower bound of the firing rates",
        "highest": "upper bound of the firing rates",
        "network": "network or remedy",
    },
)
