"""Tasks, and what most experiments try on them: layers of one neuron that learn to classify."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from sklearn.datasets import load_digits

from experiments.network import Case, Neuron, Passed, Stored, as_it_is, cross_entropy, layer, train
from experiments.surrogates import Surrogate

NEURONS, BATCH, TESTED = 32, 20, 400
pixels, labels = load_digits(return_X_y=True)
IMAGES, LABELS = jnp.asarray(pixels, jnp.float32) / 16, jnp.asarray(labels)


class Task(NamedTuple):
    """What is to be classified."""

    inputs: int
    classes: int
    counts: Any  # how much a spike counts in the scores, for each time step
    sample: Callable[[Any], tuple[Array, Array]]  # from a key, or from an index
    samples: int = 0  # if there is an end of them


def digits(images: Any, times: int = 20) -> Task:
    """The pixels of handwritten digits, each for some time steps."""
    sample = lambda i: (images[i], LABELS[i])
    return Task(64, 10, jnp.full(times, 1 / times), sample, samples=len(images))


def cues(key: Array) -> tuple[Array, Array]:
    """Two cues, 28 steps apart: are they on the same channel?"""
    keys = jax.random.split(key)
    first, second = jax.random.randint(keys[0], (2,), 0, 2)
    inputs = 0.1 * jax.random.normal(keys[1], (40, 2))
    inputs = inputs.at[:4].add(jax.nn.one_hot(first, 2)).at[32:36].add(jax.nn.one_hot(second, 2))
    return inputs, jnp.int32(first == second)


def dots(key: Array) -> tuple[Array, Array]:
    """A dot that moves left or right over 16 places, in noise."""
    keys = jax.random.split(key)
    right, first = jax.random.randint(keys[0], (2,), 0, jnp.array([2, 16]))
    places = (first + jnp.arange(16) * (2 * right - 1)) % 16
    return jax.nn.one_hot(places, 16) + 0.1 * jax.random.normal(keys[1], (16, 16)), right


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
    "two cues": Task(2, 2, jnp.arange(40) >= 32, cues),  # from the second cue on
    "temporal order": Task(6, 4, 3 / 8 * (jnp.arange(50) >= 42), temporal_order),
    "accumulated cues": Task(15, 2, 3 / 8 * (jnp.arange(60) >= 52), accumulated_cues),
    "moving dot": Task(16, 2, jnp.arange(16) >= 8, dots),
    "digits": digits(IMAGES),
    "digits, 10 steps": digits(IMAGES, 10),
    "digits, 40 steps": digits(IMAGES, 40),
    "digits, centered": digits(IMAGES - IMAGES.mean(0)),
}


# Over what a normalization of (times, samples, neurons) takes mean and standard deviation.
AXES: dict[str, Any] = {"layer": -1, "batch and time": (0, 1)}


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights, and the samples of each batch and of the test."""
    task, keys = TASKS[case["task"]], jax.random.split(key, 6)
    sizes = [task.inputs, *[case.get("neurons", NEURONS)] * case.get("layers", 1)]
    shapes = zip(jax.random.split(keys[0], len(sizes)), sizes, sizes[1:], strict=False)
    weights = {
        "hidden": [jax.random.normal(k, shape) for k, *shape in shapes],
        "back": jax.random.normal(keys[1], (sizes[-1], sizes[-1])),
        "out": jax.random.normal(keys[2], (sizes[-1], task.classes)) / sizes[-1] ** 0.5,
    }
    if task.samples:
        order = jax.random.permutation(keys[3], task.samples)
        tested, learned = jnp.split(order, [min(TESTED, task.samples // 4)])
        batches = jax.random.choice(keys[4], learned, (updates, BATCH))
    else:
        batches = jax.random.split(keys[3], (updates, BATCH))
        tested = jax.random.split(keys[4], TESTED)
    return weights, batches, tested


def never_spike(layers: list[Passed]) -> Array:
    """The share of neurons in each layer that spike at no time for any sample."""
    shares = [(one.spikes.max((-3, -2)) == 0).mean(-1) for one in layers]
    return jnp.stack(shares or [jnp.zeros(2)], axis=-1)


def trial(
    drawn: Any, case: Case, surrogate: Surrogate, stored: Stored = as_it_is
) -> dict[str, Array]:
    """Accuracy on new samples, their mean firing rate, and the loss of the last updates."""
    weights, batches, tested = drawn
    task = TASKS[case["task"]]
    spike = surrogate(case["peak"], case["width"] / 2)
    fields = {name: case[name] for name in Neuron._fields if name in case}
    neuron = Neuron(spike, attached=case["reset"], stored=stored)._replace(**fields)
    if "adaptive" in case:  # a share of the neurons
        share = jnp.arange(len(weights["back"])) < case["adaptive"] * len(weights["back"])
        neuron = neuron._replace(beta=case["beta"] * share)
    weights["hidden"] = [case.get("enlarged", 1.0) * case["scale"] * w for w in weights["hidden"]]
    weights["back"] *= case.get("recurrent", 0.0)
    axis = AXES.get(case.get("normalized", ""))
    if axis is not None:
        weights["gain"], weights["shift"] = jnp.ones((3, NEURONS)), jnp.zeros((3, NEURONS))

    def counted(weights: Any, samples: Array) -> Any:
        """What the readout reads of each neuron, labels, and all layers."""
        weights, layers = stored("spikes and currents", weights), []
        s, labels = jax.vmap(task.sample, out_axes=(-2, 0))(samples)
        for i, w in enumerate(weights["hidden"]):
            currents = stored("spikes and currents", s @ w)
            currents = jnp.broadcast_to(currents, (*task.counts.shape, *currents.shape[-2:]))
            if axis is not None:
                currents = jax.nn.standardize(currents, axis, epsilon=1e-5)
                currents = currents * weights["gain"][i] + weights["shift"][i]
            back = weights["back"] if "recurrent" in case else None
            layers.append(layer(neuron._replace(back=back), currents))
            s = layers[-1].spikes
        return jnp.tensordot(task.counts * 1.0, s, 1) if layers else s, labels, layers

    *_, first = counted(weights, tested)
    fixed = dict[str, Any]()
    if case.get("hidden") == "frozen":  # then what is read of each batch never changes
        fixed, weights = weights, {"out": weights["out"]}
        read = *counted(fixed, batches.ravel())[:2], ()
        batches = jax.tree.map(lambda a: a.reshape(*batches.shape, *a.shape[1:]), read)

    def passed(weights: Any, samples: Any) -> Any:
        """Scores, labels, and all layers."""
        known = isinstance(samples, tuple)
        counts, labels, layers = samples if known else counted(fixed | weights, samples)
        return counts @ stored("spikes and currents", weights["out"]), labels, layers

    def loss(weights: Any, samples: Any) -> Any:
        scores, labels, layers = passed(weights, samples)
        total = cross_entropy(scores, labels)
        if "highest" in case:  # penalties on low potentials, and on rates out of bounds
            for s, x in layers:
                rates = s.mean(axis=(0, 1))
                out = jax.nn.relu(case["lowest"] - rates) + jax.nn.relu(rates - case["highest"])
                low = jax.nn.relu(-x.max(axis=(0, 1))).mean()
                total += (3 * out.mean() + case["potentials"] * low) / len(layers)
        return total

    weights, losses = train(loss, weights, case, batches, stored)
    scores, labels, layers = jax.vmap(passed, (0, None))(weights, tested)
    rates = jnp.stack([one.spikes.mean((1, 2, 3)) for one in layers] or [jnp.zeros(2)])
    ends = len(losses) // 5, len(losses)
    return {
        "accuracy": (scores.argmax(axis=2) == labels).mean(axis=1),
        "firing": rates.mean(axis=0),
        "silent": never_spike(layers),
        "silent_before": jnp.broadcast_to(never_spike(first), (2, max(1, len(first)))),
        "before": jnp.full(2, first[-1].spikes.mean() if first else 0),
        "loss": jnp.stack([losses[end - -(-end // 4) : end].mean() for end in ends]),
    }
