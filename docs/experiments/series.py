"""Two real time series, and what training the hidden layers adds on them."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from experiments.experiment import Case, Experiment, cases, rates
from experiments.network import Neuron, attach, cross_entropy, layer, train
from experiments.surrogates import SHAPES, Surrogate

# The loader in sktime, and of how many samples a time step is the mean.
DATA = {"GunPoint": ("load_gunpoint", 3), "ItalyPowerDemand": ("load_italy_power_demand", 1)}
LINEAR = {
    "mean and deviation": lambda x: jnp.stack([x.mean(1), x.std(1)], axis=1),
    "all values": lambda x: x,
    "sorted values": lambda x: jnp.sort(x, axis=1),
}
MODELS = ("trained", "hidden frozen", "time shuffled")
NEURONS, DECAY = 32, 0.8


@cache
def series(name: str) -> list[tuple[Any, Any]]:
    """Series and classes to learn, and the same held out."""
    import sktime.datasets  # here, because it takes seconds

    loader, samples = DATA[name]
    load = getattr(sktime.datasets, loader)
    parts = [load(split=split, return_type="numpy3D") for split in ("train", "test")]
    return [
        (np.float32(x.reshape(len(x), -1, samples).mean(2)), np.int32(y == "2")) for x, y in parts
    ]


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights, an array as long as the training, and three parts of the series."""
    keys = jax.random.split(key, 9)
    (x, labels), (held_x, held_labels) = series(case["data"])
    order = jax.random.permutation(keys[0], len(held_x))
    half = len(held_x) // 2
    indices = jnp.arange(len(x)), order[:half], order[half:]
    parts = [
        (jnp.asarray(a), jnp.asarray(b)) for a, b in ((x, labels), *[(held_x, held_labels)] * 2)
    ]
    parts = [(a[i], b[i]) for (a, b), i in zip(parts, indices, strict=True)]
    if "linear" in case:
        parts = [(LINEAR[case["linear"]](a), b) for a, b in parts]
        weights = {"out": jnp.zeros((parts[0][0].shape[1], 2)), "bias": jnp.zeros(2)}
        return weights, jnp.zeros(updates), parts

    def normal(key: Array, *shape: int, scale: float = 1.0) -> Array:
        return scale / shape[0] ** 0.5 * jax.random.normal(key, shape)

    hidden = [
        (normal(k, inputs, NEURONS), normal(b, NEURONS), normal(r, NEURONS, NEURONS, scale=0.3))
        for inputs, (k, b, r) in zip([1, NEURONS], keys[2:8].reshape(2, 3), strict=True)
    ]
    parts = [
        (jnp.stack([a, jax.random.permutation(keys[1], a, 1, independent=True)]), b)
        for a, b in parts
    ]
    return {"hidden": hidden, "out": normal(keys[8], NEURONS, 2)}, jnp.zeros(updates), parts


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The share of right answers on both halves of the held-out series; the loss on the first."""
    start, batches, (learned, valid, test) = drawn
    if case.get("shape", "triangle") != "triangle":
        surrogate = SHAPES[case["shape"]]

    def scores(weights: Any, x: Array) -> Any:
        if "bias" in weights:
            return x @ weights["out"] + weights["bias"]
        s = x[jnp.int32(case["model"] == MODELS.index("time shuffled"))].T[..., None]
        spike = surrogate(case["peak"], case["half"])
        learns = case["model"] != MODELS.index("hidden frozen")
        for of_layer in weights["hidden"]:
            w, bias, back = (attach(one, learns) for one in of_layer)
            neuron = Neuron(spike, DECAY, attached=case["reset"], back=back)
            s = layer(neuron, s @ w + bias).spikes
        return s.mean(axis=0) @ weights["out"]

    def loss(weights: Any, batch: Any = None, of: Any = learned) -> Any:
        return cross_entropy(scores(weights, of[0]), of[1])

    weights, _ = train(loss, start, case, batches)

    def right(part: Any) -> Array:
        return jax.vmap(lambda w: (scores(w, part[0]).argmax(1) == part[1]).mean())(weights)

    valid_loss = jax.vmap(lambda w: loss(w, of=valid))(weights)
    return {"valid": right(valid), "valid loss": valid_loss, "test": right(test)}


ADAM, SGD = rates("Adam", 0.003, 0.01), rates("SGD", 0.3, 1.0, 3.0)
GRID = {"peak": [0.1, 0.3, 1.0], "half": [0.5, 1.0, 2.0]}
ONE = {"shape": ["triangle"], "peak": [0.3], "half": [0.5], "reset": ["attached"]}
TRAINED = {"data": DATA, "model": ["trained"], "shape": ["triangle"]}
OTHERS = {"data": ["GunPoint"], "model": ["trained"], "shape": [*SHAPES][1:]}
EXPERIMENT = Experiment(
    name="series",
    question="What does training the hidden layers add on real time series, and with which peak, "
    "width and shape of the surrogate?",
    drawn="A seed draws the weights, and which half of the held-out series chooses learning rates.",
    cases=[
        *cases(**TRAINED, **GRID, reset=["attached"], how=[*ADAM, *SGD]),
        *cases(**TRAINED | {"data": ["GunPoint"]}, **GRID, reset=["detached"], how=ADAM),
        *cases(**OTHERS, **GRID, reset=["attached"], how=ADAM),
        *cases(data=DATA, model=MODELS[1:], **ONE, how=[*ADAM, *SGD]),
        *cases(data=DATA, linear=LINEAR, how=[*rates("Adam", 0.01, 0.1), *rates("SGD", 0.3)]),
    ],
    draw=draw,
    trial=trial,
    seeds=10,
    updates=500,
    outcome="test",
    best="highest",
    by=("data", "linear", "model", "shape", "peak", "half", "reset"),
    tuned=("optimizer", "rate"),
    chosen_by="valid",
    words={
        "data": "series",
        "linear": "what a linear model sees",
        "shape": "shape of the surrogate",
    },
    traced={"model": MODELS},
    in_turn=True,
)
