"""Whether a surrogate's shape matters, or its scale, where only the timing of spikes tells the class.

Each class is a smooth random curve (randman; Zenke and Vogels 2021), and a point on it is one spike
time for each input. A seed draws the curves, the points and the weights. An outcome is the share of
new points that a network classifies correctly: `valid` to choose a rate by, `test` to report. All
slopes are equal at x = 0 (the peak) and fall to half of it at the same |x| (`half`). With the slope
"none" the hidden weights stay as they were drawn.
"""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import optax

from experiments.common import ATTACHED, OPTIMIZERS, lif, train
from relugrad import ReluGrad

SLOPES = {
    "triangle": ReluGrad(0.5, 2.0).surrogate_grad,
    "fast sigmoid": lambda u: (1 + (2**0.5 - 1) * abs(u)) ** -2,
    "arctan": lambda u: 1 / (1 + u**2),
    "Gaussian": lambda u: jnp.exp2(-(u**2)),
    "none": jnp.zeros_like,
}
SCALES = [(0.05, 1.0), (0.16, 1.0), (0.5, 1.0), (1.6, 1.0), (5.0, 1.0), (0.5, 10.0), (5.0, 0.3)]
RATES = {"SGD": [0.1, 0.3, 1.0, 3.0], "Adam": [0.006, 0.02, 0.06, 0.2]}
QUICK = {"seeds": 2, "steps": 2, "rates": {"Adam": RATES["Adam"]}}
CLASSES, INPUTS, HIDDEN, TIMES, BATCH, POINTS = 10, 20, 32, 30, 20, 400


@jax.custom_vjp
def spike(x, slope, half, peak):
    """A step that is differentiated with any of the slopes."""
    return (x >= 0).astype(x.dtype)


def backward(residuals, cotangent):
    """The rule: the slopes are those of `half` and `peak` 1, so both only stretch them."""
    x, slope, half, peak = residuals
    height = peak * jax.lax.switch(slope, list(SLOPES.values()), x / half)
    return cotangent * height, None, None, None


spike.defvjp(lambda *given: (spike(*given), given), backward)


def points(key, number):
    """Points of all classes: the time of each input's spike, and the class."""
    keys = jax.random.split(key, 3)
    order = jnp.arange(1, 6)
    sizes, phases = jax.random.uniform(keys[0], (2, CLASSES, INPUTS, 5))

    def curve(sizes, phases, place):
        return (sizes * order**-0.5 * jnp.sin(2 * jnp.pi * (order * place + phases))).sum(-1)

    along = jax.vmap(curve, (None, None, 0))(sizes, phases, jnp.linspace(0, 1, 200))
    low, high = along.min(axis=0), along.max(axis=0)
    label = jax.random.randint(keys[1], (number,), 0, CLASSES)
    place = jax.random.uniform(keys[2], (number,))
    height = jax.vmap(curve)(sizes[label], phases[label], place) - low[label]
    return jnp.floor(25 * jnp.clip(height / (high - low)[label], 0, 0.999)), label


@partial(jax.jit, static_argnames="steps")
def draw(key, steps):
    """Weights, batches to learn, and as many points to choose a rate by as to report."""
    keys = jax.random.split(key, 3)
    weights = {
        "in": 0.6 * jax.random.normal(keys[0], (INPUTS, HIDDEN)) / INPUTS**0.5,
        "out": jax.random.normal(keys[1], (HIDDEN, CLASSES)) / HIDDEN**0.5,
    }
    drawn = points(keys[2], steps * BATCH + 2 * POINTS)
    learned = [one[: -2 * POINTS].reshape(steps, BATCH, *one.shape[1:]) for one in drawn]
    return weights, learned, [one[-2 * POINTS :] for one in drawn]


def scores(weights, times, spike, attached):
    """The mean over time of a leaky readout, for each class."""
    since = jnp.arange(TIMES)[:, None, None] - times
    currents = jnp.where(since < 0, 0, 0.8**since) @ weights["in"]
    kept = (1 - 0.9 ** jnp.arange(TIMES, 0, -1)) / (1 - 0.9) / TIMES  # of a spike, by the readout
    return jnp.tensordot(kept, lif(spike, currents, attached=attached), 1) @ weights["out"]


def right(drawn, slope, scale, rate, attached, optimizer):
    """The share of right answers after training, in both halves of the new points."""
    weights, learned, (times, label) = drawn
    half, peak = scale
    network = partial(scores, spike=lambda x: spike(x, slope, half, peak), attached=attached)

    def loss(weights, batch):
        answer = network(weights, batch[0])
        return optax.softmax_cross_entropy_with_integer_labels(answer, batch[1]).mean()

    weights = train(loss, weights, OPTIMIZERS[optimizer](rate), learned)
    return (network(weights, times).argmax(axis=1) == label).reshape(2, POINTS).mean(axis=1)


@partial(jax.jit, static_argnames=["attached", "optimizer"])
def sweep(drawn, slope, scales, rates, attached, optimizer):
    """All scales and rates at once, for one seed after the other."""
    one = partial(right, attached=attached, optimizer=optimizer)
    grid = jax.vmap(jax.vmap(one, (None, None, None, 0)), (None, None, 0, None))
    return jax.lax.map(lambda seed: grid(seed, slope, scales, rates), drawn)


def run(seeds=20, steps=150, rates=RATES):
    """Four slopes in seven scales, both resets, two optimizers at four rates each; and no slope."""
    keys = jax.random.split(jax.random.key(0), seeds)
    drawn = jax.vmap(partial(draw, steps=steps))(keys)
    rows = []
    for (slope, name), attached, (optimizer, of_optimizer) in product(
        enumerate(SLOPES), ATTACHED, rates.items()
    ):
        scales = SCALES if name != "none" else SCALES[2:3]
        given = slope, jnp.array(scales), jnp.array(of_optimizer), attached, optimizer
        found = sweep(drawn, *given).transpose(1, 2, 3, 0).reshape(-1, 2, seeds)
        for ((half, peak), rate), (valid, test) in zip(
            product(scales, of_optimizer), found, strict=True
        ):
            row = {"slope": name, "half": half, "peak": peak, "reset": attached}
            row |= {"optimizer": optimizer, "rate": rate, "valid": valid, "test": test}
            rows.append(row)
    return rows
