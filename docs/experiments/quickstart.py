"""What reach, peak, reset and learning rate do to Quickstart's neuron, which learns five times.

A seed draws the inputs and the weights. A run is solved when the neuron fires at the five times and
at no other.
"""

from functools import partial

import jax
import jax.numpy as jnp

from experiments.common import ATTACHED, OPTIMIZERS, lif, train
from relugrad import ReluGrad

QUICK = {"seeds": 2, "steps": 20}
PAIRS = [(0.3, 1.0), (0.15, 2.0), (0.3, 2.0), (1.0, 1.0), (0.25, 4.0)]
RATES = {"SGD": [0.003, 0.01, 0.03, 0.1, 0.3], "Adam": [0.001, 0.003, 0.01, 0.03, 0.1]}
TARGET = jnp.zeros(100).at[jnp.array([15, 30, 50, 70, 90])].set(1.0)


def smooth(spikes):
    """A trace that each spike raises by 1 and that decays to 0.8 in a step."""
    return jax.lax.scan(lambda trace, s: (0.8 * trace + s,) * 2, 0.0, spikes)[1]


@partial(jax.jit, static_argnames=["attached", "optimizer", "steps"])
def solved(key, spike, rate, attached, optimizer, steps):
    """Whether the neuron that this key draws has learned its five times."""
    keys = jax.random.split(key)
    inputs = jax.random.bernoulli(keys[0], 0.1, (100, 40)).astype(jnp.float32)
    weights = 0.05 + 0.15 * jax.random.normal(keys[1], (40,))

    def spikes(weights):
        return lif(spike, inputs @ weights, attached=attached)

    def loss(weights, _):
        return jnp.mean((smooth(spikes(weights)) - smooth(TARGET)) ** 2)

    weights = train(loss, weights, OPTIMIZERS[optimizer](rate), jnp.arange(steps))
    return (spikes(weights) == TARGET).all()


def run(seeds=60, steps=2000):
    """Five pairs, both resets, two optimizers at five rates each."""
    pairs = ReluGrad(*map(jnp.array, zip(*PAIRS, strict=True)))
    keys = jax.random.split(jax.random.key(0), seeds)
    rows = []
    for optimizer, rates in RATES.items():
        for attached in ATTACHED:
            one = partial(solved, attached=attached, optimizer=optimizer, steps=steps)
            grid = jax.vmap(jax.vmap(one, (None, None, 0)), (None, 0, None))  # pairs, rates
            found = jax.vmap(grid, (0, None, None), 2)(keys, pairs, jnp.array(rates))
            rows += [
                {"alpha": alpha, "width": width, "reset": attached}
                | {"optimizer": optimizer, "rate": rate, "solved": outcome}
                for (alpha, width), of_pair in zip(PAIRS, found, strict=True)
                for rate, outcome in zip(rates, of_pair, strict=True)
            ]
    return rows
