"""The peaks at which training fails, with three forms of the reset, attached and detached.

A seed draws the split of the digits, their order and the weights. Each seed trains at its own
learning rate: they are spread evenly, on a logarithmic scale, over a decade. The outcome is the
percentage of held-out digits that are classified correctly; training failed when it is below 50.
"""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

from experiments.common import ATTACHED, OPTIMIZERS, RESETS, lif, train
from relugrad import ReluGrad

QUICK = {"seeds": 2, "steps": 3}
DECAYS = [0.3, 0.5, 0.7, 0.9, 0.97]
WIDTHS = [0.5, 1.0, 4.0]
PEAKS = {
    "attached": [0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0, 5.0, 8.0],
    "detached": [0.5, 1.0, 2.0, 4.0, 8.0, 16.0],
}
RATES = {"SGD": (0.1, 1.0), "Adam": (0.003, 0.03)}  # from the first seed to the last
IMAGES, LABELS = load_digits(return_X_y=True)
IMAGES, LABELS = jnp.array(IMAGES / 16, jnp.float32), jnp.array(LABELS)


def draw(seed, steps):
    """Weights, the digits of each batch, and those held out."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 0.25, (64, 16)), rng.normal(0, 0.25, (16, 10))
    order = rng.permutation(len(LABELS))
    batches = rng.choice(order[400:], (steps, 32))
    return jax.tree.map(jnp.array, (jax.tree.map(np.float32, weights), batches, order[:400]))


def correct(form, attached, decay, width, peak, drawn, rate, optimizer):
    """The percentage of held-out digits that 16 neurons classify correctly after training."""
    weights, batches, held_out = drawn
    spike = ReluGrad(peak / width, width)

    def reset(v, s, decay):
        s = jnp.where(attached, s, jax.lax.stop_gradient(s))
        return jax.lax.switch(form, list(RESETS.values()), v, s, decay)

    def scores(weights, chosen, unroll=False):
        currents = IMAGES[chosen] @ weights[0]
        currents = jnp.broadcast_to(currents, (10, *currents.shape))  # ten time steps
        return lif(spike, currents, reset, decay=decay, unroll=unroll).mean(axis=0) @ weights[1]

    def loss(weights, chosen):
        losses = optax.softmax_cross_entropy_with_integer_labels
        return losses(scores(weights, chosen, unroll=True), LABELS[chosen]).mean()

    weights = train(loss, weights, OPTIMIZERS[optimizer](rate), batches)
    guesses = scores(weights, held_out).argmax(axis=1)
    return jnp.round(100 * jnp.mean(guesses == LABELS[held_out]))


@partial(jax.jit, static_argnames="optimizer")
def outcomes(points, drawn, rates, optimizer):
    """What `correct` returns, at each point of the grid and for each seed."""
    one = partial(correct, optimizer=optimizer)
    of_seeds = jax.vmap(one, (None, None, None, None, None, 0, 0))
    return jax.lax.map(lambda point: of_seeds(*point, drawn, rates), points, batch_size=12)


def run(seeds=24, steps=200):
    """Each form, attached and detached, over peaks, widths and decays, with two optimizers."""
    each = [draw(seed, steps) for seed in range(seeds)]
    drawn = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
    grid = [
        (form, reset, *rest)
        for form, reset in product(RESETS, ATTACHED)
        for rest in product(DECAYS, WIDTHS, PEAKS[reset])
    ]
    points = [(list(RESETS).index(form), reset == "attached", *rest) for form, reset, *rest in grid]
    points = tuple(map(jnp.array, zip(*points, strict=True)))
    rows = []
    for optimizer, (low, high) in RATES.items():
        found = outcomes(points, drawn, jnp.geomspace(low, high, seeds), optimizer)
        rows += [
            dict(zip(["form", "reset", "decay", "width", "peak"], point, strict=True))
            | {"optimizer": optimizer, "correct": outcome}
            for point, outcome in zip(grid, found, strict=True)
        ]
    return rows
