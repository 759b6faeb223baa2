"""What of a network may be kept in bfloat16 while it learns digits: each part alone, and together.

A seed draws the weights, the split of the images and the batches. What is kept in bfloat16 is
rounded to it wherever it is stored; all else is float32. The loss is that of the last quarter of
the updates.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

from experiments.common import OPTIMIZERS
from relugrad import ReluGrad

QUICK = {"seeds": 2, "steps": 8}
RATES = {"SGD": [0.03, 0.1, 0.3, 1.0], "Adam": [0.0003, 0.001, 0.003, 0.01]}
PARTS = ["weights", "optimizer state", "potential", "decay", "surrogate", "spikes and currents"]
KEPT = {"nothing": []} | {part: [part] for part in PARTS}
KEPT |= {"all but the weights": PARTS[1:], "all": PARTS}
NEURONS, BATCH, TESTED = 20, 16, 400
TIMES = {0.9: 20, 0.98: 40}  # time steps by decay


def draw(key):
    """A key for the batches, the weights, and the images in a new order."""
    images, labels = load_digits(return_X_y=True)
    images, labels = jnp.float32(images / 16), jnp.asarray(labels)
    keys = jax.random.split(key, 4)
    order = jax.random.permutation(keys[0], len(images))
    weights = {"in": jax.random.normal(keys[1], (64, NEURONS)) / 8}
    weights["out"] = jax.random.normal(keys[2], (NEURONS, 10)) / NEURONS**0.5
    return keys[3], weights, images[order], labels[order]


@partial(jax.jit, static_argnames=["decay", "optimizer", "steps"])
def learned(drawn, rate, kept, decay, optimizer, steps):
    """The loss in the end, and the share of test images that are wrong."""
    key, weights, images, labels = drawn
    optimizer = OPTIMIZERS[optimizer](rate)

    def stored(part, tree):
        def rounded(a):
            bfloat16 = jax.lax.reduce_precision(a, exponent_bits=8, mantissa_bits=7)
            return jnp.where(kept[part], bfloat16, a)

        return jax.tree.map(lambda a: rounded(a) if a.dtype == jnp.float32 else a, tree)

    def scores(weights, images):
        spike = ReluGrad(*stored("surrogate", (jnp.float32(0.9), jnp.float32(1.1))))
        factor = stored("decay", jnp.float32(decay))
        weights = stored("spikes and currents", weights)
        currents = stored("spikes and currents", images @ weights["in"])

        def step(v, _):
            v = stored("potential", factor * v + currents)
            s = spike(stored("spikes and currents", v - 1.0))
            return stored("potential", v - s), s

        spikes = jax.lax.scan(step, jnp.zeros_like(currents), length=TIMES[decay])[1]
        return spikes.mean(0) @ weights["out"]

    def loss(weights, batch):
        found = scores(weights, images[batch])
        return optax.softmax_cross_entropy_with_integer_labels(found, labels[batch]).mean()

    def update(state, batch):
        weights, moments = state
        value, gradient = jax.value_and_grad(loss)(weights, batch)
        change, moments = optimizer.update(gradient, moments)
        weights = stored("weights", optax.apply_updates(weights, change))
        return (weights, stored("optimizer state", moments)), value

    batches = jax.random.randint(key, (steps, BATCH), TESTED, len(images))
    start = stored("weights", weights), optimizer.init(weights)
    (weights, _), losses = jax.lax.scan(update, start, batches)
    wrong = scores(weights, images[:TESTED]).argmax(1) != labels[:TESTED]
    return losses[-steps // 4 :].mean(), wrong.mean()


def run(seeds=20, steps=500):
    """Each part and their unions, two decays, two optimizers at four rates each."""
    drawn = jax.vmap(draw)(jax.random.split(jax.random.key(0), seeds))
    rows = []
    for decay in TIMES:
        for optimizer, rates in RATES.items():
            for name, parts in KEPT.items():
                one = partial(learned, decay=decay, optimizer=optimizer, steps=steps)
                grid = jax.vmap(jax.vmap(one, (0, None, None)), (None, 0, None))
                kept = {part: jnp.array(part in parts) for part in PARTS}
                rows += [
                    {"decay": decay, "bfloat16": name, "optimizer": optimizer, "rate": rate}
                    | {"loss": loss, "error": error}
                    for rate, loss, error in zip(
                        rates, *grid(drawn, jnp.array(rates), kept), strict=True
                    )
                ]
    return rows
