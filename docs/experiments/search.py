import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice, product
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from relugrad import ReluGrad
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import ParameterGrid, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

SETTINGS = {
    "decay": [0.9, 0.97],  # of the potential
    "scale": [1.0, 4.0],  # of the first layer's initial weights
    "biases": [0.0, 1.0],  # 1 trains them
    "recurrent": [0.0, 0.3],  # how large recurrent weights are at first
    "synapse": [0.0],  # the decay of a synaptic current
    "rate": [0.01, 0.03],  # of Adam
}


def lif(w, spike, inputs, setting, reset=lambda s: s):
    """Spikes and potentials of a layer; the axes are time, example, neuron."""
    currents = inputs @ w["in"] + setting["biases"] * w["bias"]
    back = jnp.where(setting["recurrent"] > 0, w["back"], 0.0)

    def step(state, current):
        v, i, s = state
        i = setting["synapse"] * i + (1 - setting["synapse"]) * current
        v = setting["decay"] * v + i + s @ back
        s = spike(v - 1.0)
        return (v - reset(s), i, s), (s, v)

    zeros = jnp.zeros_like(currents[0])
    return jax.lax.scan(step, (zeros, zeros, zeros), currents)[1]


def initialize(seed, classes, neurons, neuron, spike, inputs, setting):
    """Two hidden layers, and a readout."""
    key, normal, hidden = jax.random.key(seed), jax.random.normal, []
    for scale in [setting["scale"], 1.0]:
        key, key_in, key_back = jax.random.split(key, 3)
        back = normal(key_back, (neurons, neurons)) / neurons**0.5
        w = {"in": normal(key_in, (inputs.shape[2], neurons))}
        w |= {"back": setting["recurrent"] * back, "bias": jnp.zeros(neurons)}
        # Potentials as large as the threshold, if nothing spiked
        _, v = neuron(w, jnp.zeros_like, inputs, setting)
        w["in"] *= scale / jnp.sqrt((v**2).mean() + 1e-12)
        inputs, _ = neuron(w, spike, inputs, setting)
        hidden.append(w)
    out = normal(key, (neurons, classes)) / neurons**0.5
    return {"hidden": hidden, "out": out, "constant": jnp.zeros(classes)}


def scores(weights, neuron, spike, inputs, setting):
    """A number for each example and class; the largest is the answer."""
    for w in weights["hidden"]:
        inputs, _ = neuron(w, spike, inputs, setting)
    return inputs.mean(axis=0) @ weights["out"] + weights["constant"]


def linear(values, labels, learn, valid):
    """The validation loss of a linear model, and which examples it gets right."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(values[learn], labels[learn])
    loss = log_loss(labels[valid], model.predict_proba(values[valid]))
    return loss, model.predict(values) == labels


def search(x, labels, encode, settings=None, updates=500, seeds=3, neurons=32,
           batch=20, split=None, keep=1 / 3, controls=True, neuron=None, spike=None):  # fmt: skip
    """Train with all settings, after three tenths of the updates with the best third."""
    labels, names = numbered(labels, x := numbers(x))
    learned, *valid, tested = split or train_test_split(
        np.arange(len(x)), test_size=0.2, stratify=labels, random_state=0
    )
    divide = partial(train_test_split, learned, test_size=0.25, stratify=labels[learned])
    parts = [(learned, *valid) if valid else divide(random_state=seed) for seed in range(seeds)]
    if np.intersect1d(learned, tested).size:
        raise ValueError("split: learn and test have examples in common")
    learned = np.append(learned, valid).astype(int)
    see = partial(encode, learned=x[learned])
    inputs, classes = jnp.asarray(see(x)), jnp.asarray(labels)
    grid = [*ParameterGrid(settings or SETTINGS)]
    network = neuron or lif, spike or ReluGrad()

    # Compiled anew by each search, so that whatever you change counts
    def loss(weights, examples, setting):
        seen = scores(weights, *network, inputs[:, examples], setting)
        right = classes[examples]
        losses = optax.softmax_cross_entropy_with_integer_labels(seen, right)
        return losses.mean(), (seen.argmax(axis=1) == right).mean()

    @jax.jit
    def start(seed, examples, setting):
        size, seen = (len(names), neurons), inputs[:, examples]
        weights = initialize(seed, *size, *network, seen, setting)
        spikes = weights | {"out": jnp.eye(neurons), "constant": 0.0}
        return weights, scores(spikes, *network, inputs, setting)

    @jax.jit
    def train(state, batches, valid, setting):
        adam = optax.adam(setting["rate"])

        def update(state, examples):
            weights, moments = state
            gradient, _ = jax.grad(loss, has_aux=True)(weights, examples, setting)
            change, moments = adam.update(gradient, moments)
            return (optax.apply_updates(weights, change), moments), None

        state, _ = jax.lax.scan(update, state, batches)
        value, right = loss(state[0], valid, setting)
        return state, jnp.nan_to_num(value, nan=jnp.inf), right

    def training(number, seed):
        """First spikes before training; then loss, accuracy, weights, tenth by tenth."""
        (learn, valid), setting = parts[seed], grid[number]
        weights, spikes = start(seed, learn[:200], setting)
        yield np.asarray(spikes)
        state, rng = (weights, optax.adam(0).init(weights)), np.random.default_rng(seed)
        while True:
            batches = rng.choice(learn, (-(-updates // 10), batch))
            state, value, right = train(state, batches, valid, setting)
            yield float(value), float(right), state[0]

    runs = {run: training(*run) for run in product(range(len(grid)), range(seeds))}
    reached, left = {run: [] for run in runs}, range(len(grid))

    def go(tenths, run):
        reached[run] += islice(runs[run], 1 + tenths - len(reached[run]))

    def curve(number):
        """The mean validation loss and accuracy over the seeds, tenth by tenth."""
        each = [reached[number, seed][1:] for seed in range(seeds)]
        return np.mean([[tenth[:2] for tenth in tenths] for tenths in each], axis=0)

    go(1, (0, 0))  # compiles
    began, kept = time.perf_counter(), round(keep * len(grid)) or 1
    go(2, (0, 0))
    seconds = (time.perf_counter() - began) * seeds * (3 * len(grid) + 7 * kept)
    size = f"{len(x)} examples, {len(inputs)} time steps, {inputs.shape[2]} channels"
    print(f"{size}: {len(grid)} settings in about {seconds / os.cpu_count():.0f} s")
    for tenths, best in [(3, kept), (10, 1)]:
        jobs = [run for run in runs if run[0] in left]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(tqdm(pool.map(partial(go, tenths), jobs), total=len(jobs)))
        left = sorted(left, key=lambda number: curve(number)[:, 0].min())[:best]
    tried = [min(curve(number).tolist()) for number in range(len(grid))]
    table = pd.DataFrame(grid).assign(**pd.DataFrame(tried, columns=["loss", "accuracy"]))
    table = table.sort_values("loss")
    print(table.round({"loss": 2, "accuracy": 2}).to_string(index=False))
    (best,), shares = left, np.bincount(labels) / len(x)
    losses, guessing = curve(best)[:, 0], -(shares * np.log(shares)).sum()
    if min(losses) > 0.97 * guessing:
        print(f"Nothing is learned: guessing has a loss of {guessing:.2f}. See Diagnose.")
    elif losses[9] < min(losses[:9]) - 0.01:
        print(f"The loss still falls: train longer, with updates={2 * updates}.")
    chosen = [reached[best, seed][1 + losses.argmin()][2] for seed in range(seeds)]

    def answers(weights, inputs):
        return np.asarray(scores(weights, *network, inputs, grid[best])).argmax(axis=1)

    right = {"network": [answers(weights, inputs) == labels for weights in chosen]}
    if controls:
        frozen = lambda number, seed: linear(reached[number, seed][0], labels, *parts[seed])
        control = min(range(len(grid)), key=lambda number: frozen(number, 0)[0])
        right["frozen network"] = [frozen(control, seed)[1] for seed in range(seeds)]
        sums = np.asarray(inputs.sum(axis=0))
        for name, values in {"": x.reshape(len(x), -1), " of sums": sums}.items():
            right["linear model" + name] = [linear(values, labels, *part)[1] for part in parts]
    right["largest class"] = [labels == shares.argmax()] * seeds

    def show(examples):
        for name, each in right.items():
            p = np.mean([answers[part] for answers, part in zip(each, examples, strict=True)])
            n = len(examples[0]) + 4  # Agresti and Coull: at 100% there is an error, too
            q = (p * (n - 4) + 2) / n
            print(f"{name:20} {p:4.0%} ± {np.sqrt(q * (1 - q) / n):.0%}")

    show([valid for _, valid in parts])
    found = {"table": table, "right": right, "test": partial(show, [tested] * seeds)}
    return SimpleNamespace(**found, classify=lambda x: names[answers(chosen[0], see(numbers(x)))])


# What is accepted, and what a network sees of it: time steps, examples, channels


def numbers(x):
    """The array in float32."""
    try:
        x = np.asarray(x, "float32")
    except (TypeError, ValueError) as error:
        message = "x has to be numbers; pad or stretch series of unequal length"
        raise ValueError(message) from error
    if not np.isfinite(x).all():
        raise ValueError("x has NaN or infinite values: fill in or drop them")
    return x


def numbered(labels, x):
    """The numbers and the names of the classes."""
    if np.shape(labels) != x.shape[:1]:
        raise ValueError(
            f"x has the shape {x.shape}, and labels {np.shape(labels)}: the first axis of x "
            "has to be the examples, and labels has to have one number or word for each"
        )
    if pd.isna(labels).any():
        raise ValueError("labels has missing values: drop these examples")
    for name, values in {"x": x, "labels": np.asarray(labels)}.items():
        if not (values != values.ravel()[:1]).any():
            raise ValueError(f"{name} is constant: each of its values is {values.ravel()[:1]}")
    names, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if min(counts) < 5:
        raise ValueError(
            f"labels has {len(names)} classes, and {names[counts.argmin()]} has only "
            f"{min(counts)} of {len(x)} examples, where five are needed. If the labels are "
            "numbers on a scale: labels = pandas.qcut(labels, 3, labels=False)"
        )
    return labels, names


def axes(x, *names):
    """An error, if x hasn't these axes."""
    if x.ndim != len(names):
        hint = "; for one channel, x[:, :, None]" * (x.ndim == 2)
        raise ValueError(f"x has the shape {x.shape}, not ({', '.join(names)}){hint}")


def features(x, learned, steps=20):
    """Each scaled from 0 to 1, and the same in each time step."""
    axes(x, "examples", "features")
    low, high = learned.min(axis=0), learned.max(axis=0)
    scaled = (x - low) / np.where(high > low, high - low, 1)
    return np.broadcast_to(scaled, (steps, *x.shape))


def signal(x, learned, steps=100):
    """Each channel with a mean of 0 and a standard deviation of 1."""
    axes(x, "examples", "time steps", "channels")
    if x.shape[1] < x.shape[2]:
        print("Are the channels before the time steps? Then x = x.swapaxes(1, 2)")
    mean, deviation = learned.mean(axis=(0, 1)), learned.std(axis=(0, 1))
    return shortened((x - mean) / np.where(deviation > 0, deviation, 1), steps)


def spikes(x, learned, steps=100):
    """As they are."""
    axes(x, "examples", "time steps", "channels")
    return shortened(x, steps)


def shortened(x, steps):
    """Time first, and of a longer series the means of neighbors."""
    if x.shape[1] > steps:
        edges = np.linspace(0, x.shape[1], steps + 1).astype(int)
        print(f"{x.shape[1]} time steps are averaged to {steps}")
        x = np.add.reduceat(x, edges[:-1], axis=1) / np.diff(edges)[:, None]
    return x.swapaxes(0, 1)
