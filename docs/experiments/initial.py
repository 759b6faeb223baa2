"""The scale of the initial weights, a published rule for it, and normalization between layers."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments.experiment import Case, Experiment, cases, rates
from experiments.network import Neuron, cross_entropy, digits, layer, train
from experiments.surrogates import Surrogate

NEURONS, TIMES, BATCH, DECAY = 32, 20, 20, 0.9
IMAGES, LABELS = digits()
AXES: dict[str, Any] = {
    "layer": -1,
    "batch and time": (0, 1),
}  # whose mean and deviation a normalization uses


def fluctuation_driven(xi: Any, rate: Any) -> list[Any]:
    """Deviations of the weights, at which the threshold is xi deviations of the potential away.

    The rule of Rossbroich et al. (2022) for weights with a mean of 0: n inputs that spike at a rate
    give the potential the variance n * rate * w^2 * (sum of the squared kernel). An image doesn't
    change with time, so its currents add up instead.
    """
    still = (IMAGES**2).sum(1).mean() ** 0.5 / (1 - DECAY)
    fluctuating = (NEURONS * rate / (1 - DECAY**2)) ** 0.5
    return [1 / (xi * still), 1 / (xi * fluctuating), 1 / (xi * fluctuating)]


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights of scale 1, batches, and which images are for validation and for the test."""
    keys = jax.random.split(key, 6)
    order = jax.random.permutation(keys[0], len(IMAGES))
    batches = order[jax.random.randint(keys[1], (updates, BATCH), 700, len(IMAGES))]
    shapes = [(64, NEURONS), (NEURONS, NEURONS), (NEURONS, NEURONS)]
    hidden = [jax.random.normal(k, shape) for k, shape in zip(keys[2:5], shapes, strict=True)]
    out = jax.random.normal(keys[5], (NEURONS, 10)) / NEURONS**0.5
    return {"hidden": hidden, "out": out}, batches, order[:700]


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Any]:
    """The share of right answers in validation and test, and the spikes of the last layer at first."""
    weights, batches, held_out = drawn
    neuron = Neuron(surrogate(case["peak"], case["width"] / 2), DECAY, attached=False)
    rule = "xi" in case
    scales = fluctuation_driven(case["xi"], case["assumed"]) if rule else [case["scale"]] * 3
    weights["hidden"] = [s * w for s, w in zip(scales, weights["hidden"], strict=True)]
    weights["gain"], weights["shift"] = jnp.ones((3, NEURONS)), jnp.zeros((3, NEURONS))

    def scores(weights: Any, images: Array) -> Any:
        s = jnp.broadcast_to(images, (TIMES, *images.shape))
        for i, w in enumerate(weights["hidden"]):
            currents = s @ w
            if (axis := AXES.get(case["normalized"])) is not None:
                currents = jax.nn.standardize(currents, axis, epsilon=1e-5)
                currents = currents * weights["gain"][i] + weights["shift"][i]
            s = layer(neuron, currents).spikes
        return s.mean(axis=0) @ weights["out"], s.mean()

    def loss(weights: Any, batch: Array) -> Any:
        return cross_entropy(scores(weights, IMAGES[batch])[0], LABELS[batch])

    first = scores(weights, IMAGES[held_out])[1]
    weights, _ = train(loss, weights, case, batches)
    found, _ = jax.vmap(scores, (0, None))(weights, IMAGES[held_out])
    right = found.argmax(2) == LABELS[held_out]
    return {
        "valid": right[:, :300].mean(1),
        "test": right[:, 300:].mean(1),
        "spikes before": jnp.broadcast_to(first, 2),
    }


HOW = [*rates("Adam", 0.002, 0.01), *rates("SGD", 0.1, 0.5)]
GRID: dict[str, Any] = {"peak": [0.3, 1.0], "width": [1.0, 2.0], "how": HOW}
START: dict[str, Any] = {"peak": [0.3], "width": [1.0], "how": HOW}
RULE = [{"xi": 1.0, "assumed": 0.02}, {"xi": 1.0, "assumed": 0.1}, {"xi": 2.0, "assumed": 0.02}]
EXPERIMENT = Experiment(
    name="initial",
    question="With which initial weights, or which normalization, does a deep network learn?",
    drawn="A seed draws the weights, the images of each batch and those held out.",
    cases=[
        *cases(normalized=["no"], scale=[0.02, 0.06, 0.18, 0.54], **GRID),
        *cases(normalized=AXES, scale=[0.02, 0.18], **START),
        *cases(normalized=["no"], rule=RULE, **START),
    ],
    draw=draw,
    trial=trial,
    seeds=10,
    updates=400,
    outcome="test",
    best="highest",
    by=("normalized", "scale", "xi", "assumed", "peak", "width"),
    tuned=("optimizer", "rate"),
    chosen_by="valid",
    in_turn=True,
)
