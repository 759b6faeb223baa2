"""Whether one rule for the width, at a constant peak, works on several tasks.

A seed draws the weights and the data. The outcome is the percentage of correct answers on held-out
data; of the single neuron, whether it fires at its five times and at no other (0 or 100).
"""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.common import OPTIMIZERS, train
from experiments.quickstart import TARGET, smooth
from experiments.reset import IMAGES, LABELS
from relugrad import ReluGrad

RULES = ["0.5", "1", "2", "4", "RMS", "2 RMS"]  # RMS: of x in the untrained network
PEAKS = [0.3, 1.0]
RATES = {"SGD": [0.03, 0.1, 0.3], "Adam": [0.003, 0.01, 0.03]}
QUICK = {"seeds": 2, "steps": 3, "rates": {"Adam": RATES["Adam"]}}


def five_times(rng, _):
    """One neuron with 40 inputs that are the same in each update, and no readout."""
    inputs = (rng.random((1, 100, 1, 40)) < 0.1).astype(float)
    return {"hidden": [rng.normal(0.05, 0.15, (40, 1))]}, (inputs, np.zeros((1, 1), int))


def cues(rng, batches):
    """Two cues, 28 steps apart: are they on the same channel? Yes is 1."""
    channels = rng.integers(2, size=(2, batches, 1, 32))
    inputs = rng.normal(0, 0.1, (batches, 40, 32, 2))
    inputs[:, :4] += np.eye(2)[channels[0]]
    inputs[:, 32:36] += np.eye(2)[channels[1]]
    return {"hidden": [rng.normal(size=(2, 32))]}, (inputs, (channels[0] == channels[1])[:, 0] * 1)


def recurrent_cues(rng, batches):
    """The same for a recurrent layer."""
    weights, data = cues(rng, batches)
    return weights | {"back": rng.normal(0, 0.1, (32, 32))}, data


def dots(rng, batches):
    """A dot that moves left or right, for three layers."""
    right = rng.integers(2, size=(batches, 1, 32))
    places = rng.integers(16, size=right.shape) + np.arange(16)[:, None] * (2 * right - 1)
    inputs = np.eye(16)[places % 16] + rng.normal(0, 0.1, (batches, 16, 32, 16))
    hidden = [2 / n**0.5 * rng.normal(size=(n, 32)) for n in (16, 32, 32)]
    return {"hidden": hidden}, (inputs, right[:, 0])


def digits(rng, batches, scale=0.25):
    """Handwritten digits; the last ten batches, 320 digits, are held out."""
    order = rng.permutation(len(LABELS))
    chosen = rng.choice(order[320:], (batches - 10, 32))
    chosen = np.concatenate([chosen, order[:320].reshape(10, 32)])
    inputs = np.repeat(np.asarray(IMAGES)[chosen][:, None], 10, axis=1)  # ten time steps
    return {"hidden": [rng.normal(0, scale, (64, 32))]}, (inputs, np.asarray(LABELS)[chosen])


TASKS = {  # and how far a spike raises the threshold, and the resets that are tried
    "one neuron": (five_times, 0.0, ["attached", "detached"]),
    "cues, adaptive": (cues, 1.0, ["detached"]),
    "cues, recurrent": (recurrent_cues, 0.0, ["detached"]),
    "dots, three layers": (dots, 0.0, ["detached"]),
    "digits": (digits, 0.0, ["attached", "detached"]),
    "digits, silent": (
        partial(digits, scale=0.02),
        0.0,
        ["attached", "detached"],
    ),  # until training makes it spike
}


def network(weights, inputs, spike, raise_by, attached):
    """Spikes of the last layer, and x of all."""
    every_x = []
    for w in weights["hidden"]:

        def step(state, current):
            v, raised, s = state
            v = v + current + (s @ weights["back"] if "back" in weights else 0.0)
            x = v - 1.0 - raise_by * raised
            s = spike(x)
            left = jnp.where(attached, s, jax.lax.stop_gradient(s))
            return (0.9 * (v - left), 0.98 * raised + s, s), (s, x)

        currents = inputs @ w
        start = (jnp.zeros_like(currents[0]),) * 3
        inputs, x = jax.lax.scan(step, start, currents, unroll=2)[1]
        every_x.append(x)
    return inputs, jnp.stack(every_x)


def correct(drawn, attached, rule, peak, rate, raise_by, optimizer, steps):
    """The percentage of correct answers after training."""
    weights, data, held_out = drawn
    single = "out" not in weights
    _, x = network(weights, data[0][0], ReluGrad(), raise_by, attached)
    rms = jnp.sqrt(jnp.mean(x**2))
    width = jnp.stack([*map(float, RULES[:4]), rms, 2 * rms])[rule]
    spike = ReluGrad(peak / width, width)

    def spikes(weights, inputs):
        return network(weights, inputs, spike, raise_by, attached)[0]

    def loss(weights, index):
        inputs, labels = (part[index % len(part)] for part in data)
        s = spikes(weights, inputs)
        if single:
            return jnp.mean((smooth(s[:, 0, 0]) - smooth(TARGET)) ** 2)
        scores = s[-8:].sum(axis=0) @ weights["out"]
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()

    updates = jnp.arange(steps * 10 if single else steps)
    weights = train(loss, weights, OPTIMIZERS[optimizer](rate), updates)
    if single:
        return 100 * (spikes(weights, data[0][0])[:, 0, 0] == TARGET).all()
    s = jax.lax.map(lambda inputs: spikes(weights, inputs), held_out[0])
    guesses = (s[:, -8:].sum(axis=1) @ weights["out"]).argmax(axis=-1)
    return jnp.round(100 * jnp.mean(guesses == held_out[1]))


def draw(task, seed, steps):
    """Weights, batches, and what is held out."""
    rng = np.random.default_rng(seed)
    weights, data = TASKS[task][0](rng, steps + 10)
    if task != "one neuron":
        weights["out"] = rng.normal(size=(32, 10)) / 32
    used = [part[:-10] if len(part) > 10 else part for part in data]
    held_out = [part[-10:] for part in data]
    drawn = jax.tree.map(np.asarray, (weights, used, held_out))
    return jax.tree.map(lambda leaf: leaf.astype("f" if leaf.dtype.kind == "f" else "i"), drawn)


@partial(jax.jit, static_argnames=["optimizer", "steps"])
def outcomes(points, drawn, **fixed):
    """What `correct` returns, at each point of the grid and for each seed."""
    of_seeds = jax.vmap(partial(correct, **fixed), (0, None, None, None, None))
    return jax.lax.map(lambda point: of_seeds(drawn, *point), points)


def run(seeds=20, steps=100, rates=RATES):
    """Six rules at two peaks, on six tasks, with two optimizers at three rates each."""
    rows = []
    for task, (_, raise_by, resets) in TASKS.items():
        each = [draw(task, seed, steps) for seed in range(seeds)]
        drawn = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
        for optimizer, of_optimizer in rates.items():
            grid = list(itertools.product(resets, RULES, PEAKS, of_optimizer))
            points = [
                (reset == "attached", RULES.index(rule), *others) for reset, rule, *others in grid
            ]
            points = tuple(map(jnp.array, zip(*points, strict=True)))
            found = outcomes(points, drawn, raise_by=raise_by, optimizer=optimizer, steps=steps)
            rows += [
                {"task": task, "reset": reset, "rule": rule, "peak": peak}
                | {"optimizer": optimizer, "rate": rate, "correct": outcome}
                for (reset, rule, peak, rate), outcome in zip(grid, found, strict=True)
            ]
    return rows
