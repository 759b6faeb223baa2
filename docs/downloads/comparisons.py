"""Comparisons of networks, each on five draws of a task's examples and of all weights.

``python comparisons.py match`` compares on the task ``match``, and keeps the accuracies on 2,000
new examples in ``comparisons.json``. The other comparisons are ``pause``, ``two_back`` and
``lags``. It needs ``spiking.py`` and ``tasks.py`` beside it.
"""

import json
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tasks
from spiking import adlif, decays, draw, draw_layer, layer, network, scores_of, train, with_past

DRAWS = 5


def lif_layer(w, inputs, spike, delays):
    """Return the spikes of a layer without adaptation."""
    decay = decays(w["decay"])
    currents = with_past(inputs, delays) @ (10 * (1 - decay) * w["in"])
    return adlif(spike, currents, decay, by_v=0.0, by_s=0.0)


def draw_recurrent(rng, inputs, neurons):
    """Draw the weights of a layer, and those between its neurons."""
    back = rng.normal(size=(neurons, neurons)) * 0.3 / neurons**0.5
    return draw_layer(rng, inputs, neurons) | {"back": back}


def recurrent_layer(w, inputs, spike, delays):
    """Return the spikes of a layer in which they come back as currents.

    They arrive in the next time step, through the weights ``w["back"]``.
    """
    decay, slow = decays(w["decay"]), decays(w["slow"], shortest=5.0)
    scale = 10 * (1 - decay)
    currents = with_past(inputs, delays) @ (scale * w["in"])
    by_v = scale * (1 - slow) * jnp.clip(w["by_v"], 0.0, 2.0)
    by_s = scale * jnp.clip(w["by_s"], -1.0, 1.0)

    def step(state, current):
        v, a, s = state
        v = decay * v + current + s @ w["back"] - a
        s = spike(v - 1.0)
        v = v - s
        a = slow * a + by_v * v + by_s * s
        return (v, a, s), s

    zeros = jnp.zeros_like(currents[0])
    return jax.lax.scan(step, (zeros, zeros, zeros), currents)[1]


def last_spikes(spikes, decay=0.95):
    """Return what leaky integrators of the spikes hold at the end."""
    ages = jnp.arange(len(spikes))[::-1]
    return jnp.tensordot((1 - decay) * decay**ages, spikes, axes=1)


def gru_layer(w, inputs, spike, delays):
    """Return the last state of gated recurrent units, as the only time step. They don't spike."""

    def step(h, current):
        gates = jax.nn.sigmoid(current[:, :128] + h @ w["gates"])
        update, reset = gates[:, :64], gates[:, 64:]
        new = jnp.tanh(current[:, 128:] + (reset * h) @ w["new"])
        return h + update * (new - h), None

    start = jnp.zeros((inputs.shape[1], 64))
    h, _ = jax.lax.scan(step, start, inputs @ w["in"] + w["bias"])
    return h[None]


def draw_gru(rng, channels, classes):
    """Draw orthogonal recurrent weights, and update gates that are nearly closed."""
    turns = np.linalg.qr(rng.normal(size=(3, 64, 64)))[0]
    w = {
        "in": rng.normal(size=(channels, 192)) / channels**0.5,
        "bias": np.repeat([-2.0, 0.0, 0.0], 64),
        "gates": np.hstack(turns[:2]),
        "new": turns[2],
    }
    return {"hidden": [w], "out": np.zeros((64, classes)), "bias": np.zeros(classes)}


def accuracy(weights, inputs, labels, **settings):
    """Return the share of the examples whose class has the highest score."""
    return np.mean(scores_of(weights, inputs, **settings).argmax(axis=1) == labels)


def of_network(data, rng, draw_layer=draw_layer, rate=0.01, **settings):
    """Train a spiking network, and return its accuracy on the test data."""
    (inputs, labels), test = data
    weights = draw(rng, inputs, (64, 64), np.bincount(labels), draw_layer, **settings)
    *_, (weights, _) = train(rng, weights, inputs, labels, rate=rate, **settings)
    return accuracy(weights, *test, **settings)


def of_gru(data, rng):
    """Train a GRU with half the learning rate and twice the updates."""
    (inputs, labels), test = data
    weights = draw_gru(rng, inputs.shape[2], labels.max() + 1)
    *_, (weights, _) = train(rng, weights, inputs, labels, 700, rate=0.005, layer=gru_layer)
    return accuracy(weights, *test, layer=gru_layer)


def of_untrained(data, rng):
    """Fit a logistic regression to the firing rates of all neurons, with their first weights."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    (inputs, labels), (test_inputs, test_labels) = data
    weights = draw(rng, inputs, (64, 64), np.bincount(labels))

    def firing_rates(inputs):
        parts = np.array_split(inputs, 10, axis=1)
        layers = [[s.mean(axis=0) for s in network(weights, part)[1]] for part in parts]
        return np.concatenate([np.concatenate(both, axis=1) for both in layers])

    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    linear.fit(firing_rates(inputs), labels)
    return linear.score(firing_rates(test_inputs), test_labels)


def of_scikit_learn(data, rng, name):
    """Fit a model that sees all time steps at once."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    models = {"support vectors": SVC(C=10), "MLP": MLPClassifier((64, 64), random_state=0)}
    (inputs, labels), (test_inputs, test_labels) = data
    model = models[name].fit(inputs.swapaxes(0, 1).reshape(len(labels), -1), labels)
    return model.score(test_inputs.swapaxes(0, 1).reshape(len(test_labels), -1), test_labels)


longer = partial(layer, longest=400.0)
OTHERS = {
    "GRU": of_gru,
    "support vectors": partial(of_scikit_learn, name="support vectors"),
    "MLP": partial(of_scikit_learn, name="MLP"),
    "untrained neurons": of_untrained,
}
CURES = {
    "spiking network": of_network,
    "recurrent weights": partial(of_network, layer=recurrent_layer, draw_layer=draw_recurrent),
    "readout of the last spikes": partial(of_network, readout=last_spikes),
    "time constants up to 400": partial(of_network, layer=longer),
    "a third of the learning rate": partial(of_network, rate=0.0033),
    "three times the learning rate": partial(of_network, rate=0.03),
}
WITHOUT = {
    "spiking network": of_network,
    "without delays": partial(of_network, delays=(0,)),
    "without adaptation": partial(of_network, layer=lif_layer),
}
PAUSE = {
    "time constants up to 100": of_network,
    "time constants up to 400": partial(of_network, layer=longer),
    "up to 100, readout of the last spikes": partial(of_network, readout=last_spikes),
    "up to 400, readout of the last spikes": partial(of_network, layer=longer, readout=last_spikes),
}
COMPARISONS = {
    "match": (tasks.match, WITHOUT | OTHERS),
    "pause": (partial(tasks.match, pause=150), PAUSE),
    "two_back": (tasks.two_back, CURES | OTHERS),
    "lags": (tasks.lags, CURES | OTHERS),
}


def compare(task, models):
    """Return the accuracies of each model, in the order of the draws."""
    accuracies = {}
    for name, accuracy_of in models.items():
        accuracies[name] = []
        for seed in range(DRAWS):
            rng = np.random.default_rng(seed)
            data = task(rng, 2000), task(rng, 2000)
            accuracies[name].append(round(float(accuracy_of(data, rng)), 4))
        print(name, *accuracies[name], flush=True)
    return accuracies


if __name__ == "__main__":
    record = Path("comparisons.json")
    for name in sys.argv[1:]:
        known = json.loads(record.read_text("utf-8")) if record.exists() else {}
        known[name] = compare(*COMPARISONS[name])
        record.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
