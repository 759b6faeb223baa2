"""Tasks that the field made, and what the sheet of start values makes of them."""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import MinMaxScaler

from experiments.network import Case, Neuron, Passed, cross_entropy, layer, train
from experiments.surrogates import Surrogate

PLACES, SINES = 1000, 1000
# Examples (with time steps and channels; one time step of features), labels, and how many come first,
# to learn from.
Data = tuple[Any, Any, int]


def table(load: Any, scaled: bool = True, two: bool = False) -> Data:
    """Features of scikit-learn, or two and their mirror images; a quarter is held out."""
    x, labels = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, learned = x[order], 3 * len(x) // 4
    x = MinMaxScaler().fit(x[:learned]).transform(x) if scaled else x
    x = np.hstack([x[:, :2], 1 - x[:, :2]]) if two else x
    return x[:, None], labels[order], learned


def yin_yang() -> Data:
    """Points in the yin, the yang and their dots, with mirrored coordinates (Kriener et al. 2022)."""
    points = np.random.default_rng(0).uniform(size=(60_000, 2))
    right, left = (np.hypot(points[:, 0] - x, points[:, 1] - 0.5) for x in (0.75, 0.25))
    yin = (right <= 0.1) | ((left > 0.1) & (left <= 0.25)) | ((points[:, 1] > 0.5) & (right > 0.25))
    label = np.where((right < 0.1) | (left < 0.1), 2, ~yin)
    inside = np.hypot(*(points - 0.5).T) < 0.5
    each = [np.flatnonzero(inside & (label == color))[:2000] for color in range(3)]
    order = np.stack(each, axis=1).ravel()
    return np.hstack([points, 1 - points])[order, None], label[order], 5000


@cache
def mnist_1d(mean: float) -> Data:
    """Ten shapes, bent, moved and in noise, of standard deviation 1 (Greydanus and Kobak 2024)."""
    from mnist1d import get_dataset_args
    from mnist1d.data import make_dataset

    made = make_dataset(get_dataset_args())
    x, y = (np.concatenate([made[part], made[f"{part}_test"]]) for part in "xy")
    return x[..., None] + mean, y, 4000


def basic_motions(scaled: bool) -> Data:
    """A wrist's acceleration and rotation when somebody stands, walks, runs or plays badminton."""
    from sktime.datasets import load_basic_motions as load

    (x, labels), (x_test, labels_test) = (load(s, return_type="numpy3D") for s in ("train", "test"))
    x = np.concatenate([x, x_test]).swapaxes(1, 2)
    x = (x - x[:40].mean((0, 1))) / x[:40].std((0, 1)) if scaled else x
    return x, np.unique(np.concatenate([labels, labels_test]), return_inverse=True)[1], 40


@cache
def randman(dimensions: int) -> Any:
    """Four sets of spike times on ten smooth random manifolds (Zenke and Vogels 2021).

    A coordinate of a manifold is a product, over its dimensions, of sums of sines, whose amplitudes,
    frequencies and phases are random; the n-th is at most 1/n large. There is a spike in each input.
    """
    rng, order = np.random.default_rng(0), np.arange(1, SINES + 1, dtype=np.float32)
    times = np.empty((4, PLACES, 10, 20), np.int32)
    for manifold, label in np.ndindex(4, 10):
        places = rng.random((dimensions, PLACES, 1), np.float32)
        for channel in range(20):
            size, pace, phase = rng.random((3, dimensions, 1, SINES), np.float32)
            waves = np.sin(2 * np.pi * ((order - 1) * pace * places + phase))
            along = (size / order * waves).sum(2).prod(0)
            along = (along - along.min()) / np.ptp(along)
            times[manifold, :, label, channel] = np.minimum(100 * along, 99)
    return times.reshape(4, -1, 20)


MADE: dict[str, Any] = {
    "Yin-Yang": yin_yang,
    "MNIST-1D": partial(mnist_1d, 0.0),
    "MNIST-1D, shifted": partial(mnist_1d, 3.0),
    "BasicMotions": partial(basic_motions, True),
    "BasicMotions, unscaled": partial(basic_motions, False),
}
for name, load in {"wine": load_wine, "breast cancer": load_breast_cancer}.items():
    MADE[name] = partial(table, load)
    MADE[f"{name}, unscaled"] = partial(table, load, scaled=False)
    MADE[f"{name}, 2 features"] = partial(table, load, two=True)


def draw(key: Array, case: Case, updates: int) -> Any:
    """Normal weights, examples and classes, those of each update, and those to choose by and to test."""
    keys, name, neurons = jax.random.split(key, 6), case["task"], case["neurons"]
    if name in MADE:
        x, labels, learned = MADE[name]()
        x, classes = jnp.float32(x), int(labels.max()) + 1
    else:
        x = jnp.asarray(randman(int(name[-3])))[jax.random.randint(keys[0], (), 0, 4)]
        labels, learned, classes = np.tile(np.arange(10), PLACES), 8 * PLACES, 10
    inputs, hidden = x.shape[-1], []
    for k in jax.random.split(keys[1], case["layers"]):
        k, b, r = jax.random.split(k, 3)
        w, bias = jax.random.normal(k, (inputs, neurons)), jax.random.normal(b, (neurons,))
        back = jax.random.normal(r, (neurons, neurons)) / neurons**0.5
        hidden.append({"w": w, "bias": bias, "back": back})
        inputs = neurons
    out = jax.random.normal(keys[2], (neurons, classes)) / neurons**0.5
    weights = {"hidden": hidden, "out": out}
    if not hidden:  # a linear model of all values, or of the times of the spikes
        x = x.reshape(len(x), -1) / (100 if x.ndim == 2 else 1)
        weights = {"out": jnp.zeros((x.shape[1], classes)), "constant": jnp.zeros(classes)}
    batches = jax.random.randint(keys[3], (updates, case["batch"]), 0, learned)
    held_out = jax.random.permutation(keys[4], jnp.arange(learned, len(labels)))[:1000]
    return weights, x, jnp.asarray(labels), batches, held_out


def scaled_by_potential(neuron: Neuron, w: Array, inputs: Array) -> Any:
    """Weights with which the potential, if nothing spiked, would be as large as the threshold.

    As large is its root mean square, over neurons, examples and time steps.
    """
    silent = neuron._replace(spike=jnp.zeros_like, recurrent_weights=None)
    potential = layer(silent, inputs @ w).x + 1.0
    return w / jnp.sqrt(1e-6 + (potential**2).mean())


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """Accuracy on both halves of what was held out, and how much of a layer is silent at most."""
    weights, x, labels, batches, held_out = drawn
    settings = {name: case[name] for name in ("decay", "synapse", "through", "form")}
    spike = surrogate(case["peak"], case["width"] / 2)
    neuron = Neuron(spike, attached=case["reset"], **settings)

    def inputs(examples: Array) -> Any:
        """With time as the first axis."""
        s = x[examples]
        if x.ndim == 2:
            return (jnp.arange(100)[:, None, None] == s).astype(jnp.float32)
        s = s.swapaxes(0, 1)
        if len(s) > 1:
            return s
        kept = (jnp.arange(s.shape[2]) < 2) | (case["mirrored"] > 0)
        return jnp.broadcast_to(s * kept, (int(case["times"]), *s.shape[1:]))

    def one_layer(w: Any, s: Array) -> Passed:
        back = None if isinstance(case["recurrent"], int) else w["back"]
        currents = s @ w["w"] + (case["bias"] > 0) * w["bias"]
        return layer(neuron._replace(recurrent_weights=back), currents)

    def spikes(hidden: Any, examples: Array) -> Any:
        """What the readout reads of each neuron, and the spikes of all layers."""
        layers = [inputs(examples)]
        for w in hidden:
            layers.append(one_layer(w, layers[-1]).spikes)
        late = jnp.arange(len(layers[0])) >= case["late"] * len(layers[0])
        return jnp.tensordot(late / late.sum(), layers[-1], 1), layers[1:]

    read = x  # of a linear model
    if "hidden" in weights:
        s = inputs(batches[:10].ravel())
        for number, w in enumerate(weights["hidden"]):
            w["w"] = (1.0 if number else case["enlarged"]) * scaled_by_potential(neuron, w["w"], s)
            w["bias"], w["back"] = case["bias"] * w["bias"], case["recurrent"] * w["back"]
            s = one_layer(w, s).spikes
        if case["hidden"] == "frozen":  # then what is read never changes
            read = spikes(weights.pop("hidden"), jnp.arange(len(x)))[0]

    def passed(weights: Any, examples: Array) -> Any:
        """Scores, and the spikes of all layers that learn."""
        if "hidden" not in weights:
            return read[examples] @ weights["out"] + weights.get("constant", 0.0), []
        counts, layers = spikes(weights["hidden"], examples)
        return counts @ weights["out"], layers

    def loss(weights: Any, examples: Array) -> Any:
        return cross_entropy(passed(weights, examples)[0], labels[examples])

    weights = train(loss, weights, case, batches)
    scores, layers = jax.lax.map(partial(passed, examples=held_out), weights)
    half = -(-len(held_out) // 2)
    right = scores.argmax(2) == labels[held_out]
    silent = [(s[:, :, half:].max((1, 2)) == 0).mean(-1) for s in layers] or [jnp.zeros(2)]
    accuracy = {"valid": right[:, :half].mean(1), "test": right[:, half:].mean(1)}
    return accuracy | {"silent": jnp.stack(silent).max(0)}
