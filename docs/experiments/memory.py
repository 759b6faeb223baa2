"""At which peaks layers with an adaptive threshold or recurrent weights keep their memory.

Two cues come 28 steps apart, each on one of two channels: was it the same channel? Only spikes from the
second cue on are counted, so a layer has to remember the first. A seed draws weights and sequences.
Before training: the derivative of what the layer remembers at the end by what one neuron remembers at
the start, as largest and median length over neurons and sequences (1e30 if it overflows). After: the
accuracy on 256 new sequences. Two controls: only the readout is trained ("frozen"), and no gradient
flows through the raised threshold ("rise detached").
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from experiments.common import OPTIMIZERS, train
from relugrad import ReluGrad

PEAKS = [0.1, 0.3, 1.0, 3.0, 8.0]
RATES = {"SGD": [0.03, 0.1, 0.3], "Adam": [0.003, 0.01, 0.03]}
QUICK = {"seeds": 2, "steps": 3, "rates": {"Adam": RATES["Adam"]}}
LAYERS = {  # the decay of a synaptic current, and by how much a spike raises the threshold
    "lif": (0.0, 0.0),
    "synaptic": (0.97, 0.0),
    "adaptive": (0.0, 1.0),
    "recurrent": (0.0, 0.0),
}
BOTH = [(reset, width) for reset in ("detached", "attached") for width in (1.0, 2.0)]
CASES = [(layer, "detached", 1.0, PEAKS, "none") for layer in ("lif", "synaptic")]
CASES += [(layer, *both, PEAKS, "none") for layer in ("adaptive", "recurrent") for both in BOTH]
CASES += [(layer, "detached", 1.0, [0.3], "frozen") for layer in LAYERS]
CASES += [("adaptive", *both, [0.3, 1.0], "rise detached") for both in BOTH]


def cues(key, count):
    """Sequences of 40 steps, and whether their cues match."""
    keys = jax.random.split(key)
    first, second = jax.random.randint(keys[0], (2, count), 0, 2)
    inputs = 0.1 * jax.random.normal(keys[1], (40, count, 2))
    inputs = inputs.at[:4].add(jax.nn.one_hot(first, 2)).at[32:36].add(jax.nn.one_hot(second, 2))
    return inputs, (first == second).astype(int)


def draw(key):
    """Weights of 32 neurons: from the input, to the scores, and back to the neurons."""
    keys = jax.random.split(key, 3)
    w_in, w_out = jax.random.normal(keys[0], (2, 32)), jax.random.normal(keys[1], (32, 2)) / 32**0.5
    return w_in, w_out, 0.1 * jax.random.normal(keys[2], (32, 32))


def layer(neuron, spike, currents, back=None, v=0.0, rise=0.0):
    """Spikes, the last potential and the last rise of the threshold; `back` makes it recurrent."""
    slow, beta, reset_attached, rise_attached = neuron

    def attach(value, attached):
        return jnp.where(attached, value, jax.lax.stop_gradient(value))

    def step(state, current):
        i, v, rise, s = state
        i = slow * i + (1 - slow) * current
        v = 0.9 * v + i + (0.0 if back is None else s @ back)
        s = spike(v - (1.0 + beta * attach(rise, rise_attached)))
        v = v - attach(s, reset_attached)
        return (i, v, 0.98 * rise + s, s), s

    zero = jnp.zeros_like(currents[0])
    (_, v, rise, _), spikes = jax.lax.scan(step, (zero, zero + v, zero + rise, zero), currents)
    return spikes, v, rise


@partial(jax.jit, static_argnames=["recurrent", "optimizer", "steps"])
@partial(jax.vmap, in_axes=(0, *[None] * 7))
def accuracy(key, rates, neuron, spike, frozen, recurrent, optimizer, steps):
    """The share of right answers after training at each rate."""
    keys = jax.random.split(key, 3)

    def scores(weights, inputs):
        w_in, w_out, back = weights
        w_in, back = (jnp.where(frozen, jax.lax.stop_gradient(w), w) for w in (w_in, back))
        spikes, *_ = layer(neuron, spike, inputs @ w_in, back if recurrent else None)
        return spikes[32:].sum(axis=0) @ w_out

    def loss(weights, key):
        inputs, labels = cues(key, 16)
        losses = optax.softmax_cross_entropy_with_integer_labels
        return losses(scores(weights, inputs), labels).mean()

    def trained(rate):
        batches = jax.random.split(keys[1], steps)
        return train(loss, draw(keys[0]), OPTIMIZERS[optimizer](rate), batches)

    inputs, labels = cues(keys[2], 256)
    return jax.vmap(lambda rate: (scores(trained(rate), inputs).argmax(1) == labels).mean())(rates)


@partial(jax.jit, static_argnames="recurrent")
@partial(jax.vmap, in_axes=(0, None, None, None))
def kept(key, neuron, spike, recurrent):
    """Largest and median length of d memory after 40 steps / d memory of a neuron at the start."""
    keys = jax.random.split(key, 3)
    (w_in, _, back), (inputs, _) = draw(keys[0]), cues(keys[1], 16)

    def last(memory, inputs):
        if recurrent:
            return layer(neuron, spike, inputs @ w_in, back, v=memory)[1]
        return layer(neuron, spike, inputs @ w_in, rise=memory)[2]

    matrices = jax.vmap(jax.jacrev(last), (None, 1))(jnp.zeros(32), inputs)
    lengths = jnp.nan_to_num(jnp.linalg.norm(matrices, axis=1), nan=jnp.inf).clip(max=1e30)
    return lengths.max(), jnp.median(lengths)


def run(seeds=20, steps=100, rates=RATES):
    """Four layers, five peaks, and for two layers both widths and resets; two optimizers, three rates."""
    keys, rows = jax.random.split(jax.random.key(0), seeds), []
    for name, reset, width, peaks, control in CASES:
        for peak in peaks:
            spike = ReluGrad(jnp.array(peak / width), jnp.array(width))
            neuron = (*LAYERS[name], reset == "attached", control != "rise detached")
            case = {"layer": name, "reset": reset, "width": width, "peak": peak, "control": control}
            if name in ("adaptive", "recurrent") and control == "none":
                largest, median = kept(keys, neuron, spike, name == "recurrent")
                rows.append(case | {"largest": largest, "median": median})
            for optimizer, of_optimizer in rates.items():
                how = (control == "frozen", name == "recurrent", optimizer, steps)
                found = accuracy(keys, jnp.array(of_optimizer), neuron, spike, *how)
                rows += [
                    case | {"optimizer": optimizer, "rate": rate, "accuracy": outcome}
                    for rate, outcome in zip(of_optimizer, found.T, strict=True)
                ]
    return rows
