"""Small tasks, and one layer of neurons that learns them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from sklearn.datasets import load_digits

from experiments.network import Case, Neuron, cross_entropy, layer, train
from experiments.surrogates import Surrogate

BATCH, TESTED = 20, 800
DELAYS = 10, 25, 50, 100, 200
pixels, digit = load_digits(return_X_y=True)
IMAGES, LABELS = jnp.asarray(pixels, jnp.float32) / 16, jnp.asarray(digit)


class Task(NamedTuple):
    """What is to be classified."""

    inputs: int
    classes: int
    counts: Any  # how much a spike counts in the scores, for each time step
    sample: Callable[[Any], tuple[Array, Array]]  # from a key, or from an index
    samples: int = 0  # how many there are, if there is an end of them


def digits(times: int) -> Task:
    """The pixels of handwritten digits, each for some time steps."""
    sample = lambda i: (IMAGES[i], LABELS[i])
    return Task(64, 10, jnp.full(times, 1 / times), sample, samples=len(IMAGES))


def cues(number: int, delay: int) -> Task:
    """On which channel was the cue? Or of two, with a delay between them: are they on the same?"""

    def sample(key: Array) -> tuple[Array, Array]:
        keys, channels = jax.random.split(key), jnp.arange(2)
        first, second = jax.random.randint(keys[0], (2,), 0, 2)
        inputs = 0.1 * jax.random.normal(keys[1], (delay + 12, 2))
        inputs = inputs.at[:4].add(channels == first)
        if number == 1:
            return inputs, first
        inputs = inputs.at[delay + 4 : delay + 8].add(channels == second)
        return inputs, jnp.int32(first == second)

    return Task(2, 2, jnp.arange(delay + 12) >= delay + 4, sample)


def temporal_order(key: Array) -> tuple[Array, Array]:
    """A symbol in each step. Two of them, among distractors, are X or Y: in which order?"""
    keys = jax.random.split(key, 3)
    which = jax.random.randint(keys[0], (2,), 0, 2)
    when = jax.random.randint(keys[1], (2,), 0, 6) + jnp.array([4, 22])
    symbols = jax.random.randint(keys[2], (50,), 2, 6).at[when].set(which)
    return jax.nn.one_hot(symbols, 6), which @ jnp.array([2, 1])


def accumulated_cues(key: Array) -> tuple[Array, Array]:
    """Seven cues on the left or on the right, and a pause of 25 steps: where were more?"""
    keys = jax.random.split(key)
    left = jax.random.bernoulli(keys[0], shape=(7,))
    on = jnp.stack([left, ~left], axis=1)[:, None] * jnp.array([[1], [1], [1], [0], [0]])
    sides = jnp.pad(on.reshape(35, 2), ((0, 25), (0, 0))).repeat(5, axis=1)
    rate = jnp.pad(0.02 + 0.4 * sides, ((0, 0), (0, 5)), constant_values=0.1)
    return jax.random.bernoulli(keys[1], rate).astype(float), jnp.int32(left.sum() > 3)


TASKS = {
    "two cues": cues(2, 28),
    "temporal order": Task(6, 4, 3 / 8 * (jnp.arange(50) >= 42), temporal_order),
    "accumulated cues": Task(15, 2, 3 / 8 * (jnp.arange(60) >= 52), accumulated_cues),
    **{f"{n} of {delay}": cues(n, delay) for n in (1, 2) for delay in DELAYS},
    "digits": digits(20),
    "digits, 10 steps": digits(10),
}


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights, and the samples of each batch and of the test."""
    task, keys, neurons = TASKS[case["task"]], jax.random.split(key, 6), case.get("neurons", 32)
    hidden = jax.random.split(keys[0])[0]
    weights = {
        "hidden": jax.random.normal(hidden, (task.inputs, neurons)),
        "back": jax.random.normal(keys[1], (neurons, neurons)),
        "out": jax.random.normal(keys[2], (neurons, task.classes)) / neurons**0.5,
    }
    if task.samples:
        order = jax.random.permutation(keys[3], task.samples)
        tested, learned = jnp.split(order, [min(TESTED, task.samples // 4)])
        batches = jax.random.choice(keys[4], learned, (updates, BATCH))
    else:
        batches = jax.random.split(keys[3], (updates, BATCH))
        tested = jax.random.split(keys[4], TESTED)
    return weights, batches, tested


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """Accuracies on new samples, to choose by and to test."""
    weights, batches, tested = drawn
    task = TASKS[case["task"]]
    settings = {name: case[name] for name in Neuron._fields if name in case}
    spike = surrogate(case["peak"], case["width"] / 2)
    neuron = Neuron(spike, attached=case["reset"])._replace(**settings)
    if "adaptive" in case:  # a share of the neurons
        share = jnp.arange(len(weights["back"])) < case["adaptive"] * len(weights["back"])
        neuron = neuron._replace(beta=case["beta"] * share)
    weights["hidden"] *= case["scale"]
    weights["back"] *= case.get("recurrent", 0.0)

    def passed(weights: Any, samples: Array) -> Any:
        """Scores and labels."""
        inputs, labels = jax.vmap(task.sample, out_axes=(-2, 0))(samples)
        currents = inputs @ weights["hidden"]
        currents = jnp.broadcast_to(currents, (*task.counts.shape, *currents.shape[-2:]))
        back = weights["back"] if "recurrent" in case else None
        spikes = layer(neuron._replace(recurrent_weights=back), currents).spikes
        return jnp.tensordot(task.counts * 1.0, spikes, 1) @ weights["out"], labels

    def loss(weights: Any, samples: Array) -> Any:
        return cross_entropy(*passed(weights, samples))

    weights = train(loss, weights, case, batches)
    scores, labels = jax.vmap(passed, (0, None))(weights, tested)
    right = scores.argmax(axis=2) == labels
    half = right.shape[1] // 2
    return {"test": right[:, half:].mean(axis=1), "valid": right[:, :half].mean(axis=1)}
