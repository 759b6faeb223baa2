"""One hidden layer that learns digits, of which parts are kept in bfloat16."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments.experiment import Case, Experiment, cases, rates
from experiments.network import Neuron, cross_entropy, digits, layer, train
from experiments.surrogates import Surrogate

PARTS = ["weights", "optimizer state", "potential", "decay", "surrogate", "spikes and currents"]
KEPT = {"nothing": list[str]()} | {part: [part] for part in PARTS}
KEPT |= {"all but the weights": PARTS[1:], "all": PARTS}
NEURONS, BATCH, TESTED = 20, 16, 400
IMAGES, LABELS = digits()


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights, batches, and images to test with."""
    keys = jax.random.split(key, 4)
    order = jax.random.permutation(keys[0], len(LABELS))
    weights = {"in": jax.random.normal(keys[1], (64, NEURONS)) / 8}
    weights["out"] = jax.random.normal(keys[2], (NEURONS, 10)) / NEURONS**0.5
    batches = jax.random.choice(keys[3], order[TESTED:], (updates, BATCH))
    return weights, batches, order[:TESTED]


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The loss of the last quarter of the updates, and the share of test images that are wrong."""
    weights, batches, tested = drawn

    def stored(part: str, tree: Any) -> Any:
        """Rounded wherever it is stored, if this part is."""
        kept = jnp.array([part in parts for parts in KEPT.values()])[case["bfloat16"]]

        def rounded(a: Array) -> Array:
            bfloat16 = jax.lax.reduce_precision(a, exponent_bits=8, mantissa_bits=7)
            return jnp.where(kept, bfloat16, a)

        return jax.tree.map(lambda a: rounded(a) if a.dtype == jnp.float32 else a, tree)

    peak, half = stored("surrogate", (jnp.float32(0.99), jnp.float32(0.55)))
    neuron = Neuron(
        surrogate(peak, half),
        decay=stored("decay", case["decay"]),
        stored=stored,
    )

    def scores(weights: Any, images: Array) -> Any:
        weights = stored("spikes and currents", weights)
        currents = stored("spikes and currents", images @ weights["in"])
        currents = jnp.broadcast_to(currents, (case["time steps"], *currents.shape))
        return layer(neuron, currents).spikes.mean(0) @ weights["out"]

    def loss(weights: Any, batch: Array) -> Any:
        return cross_entropy(scores(weights, IMAGES[batch]), LABELS[batch])

    weights, losses = train(loss, weights, case, batches, stored)
    last = [
        losses[length - -(-length // 4) : length].mean()
        for length in (len(losses) // 5, len(losses))
    ]
    wrong = jax.vmap(scores, (0, None))(weights, IMAGES[tested]).argmax(2) != LABELS[tested]
    return {"loss": jnp.stack(last), "error": wrong.mean(axis=1)}


EXPERIMENT = Experiment(
    name="bfloat16",
    question="What of a network may be kept in bfloat16 while it learns digits: each part alone, "
    "and together?",
    drawn="A seed draws the weights, the split of the images and the batches. What is kept in "
    "bfloat16 is rounded to it wherever it is stored; all else is float32. The loss is that of the "
    "last quarter of the updates.",
    cases=cases(
        neuron=[{"decay": 0.9, "time steps": 20}, {"decay": 0.98, "time steps": 40}],
        bfloat16=KEPT,
        how=[*rates("SGD", 0.03, 0.1, 0.3, 1.0), *rates("Adam", 0.0003, 0.001, 0.003, 0.01)],
    ),
    draw=draw,
    trial=trial,
    seeds=12,
    updates=500,
    outcome="loss",
    best="lowest",
    by=("bfloat16", "decay"),
    tuned=("optimizer", "rate"),
    words={"bfloat16": "kept in bfloat16"},
    traced={"bfloat16": list(KEPT)},
)
