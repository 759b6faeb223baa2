"""A spiking network in plain functions, and a classifier for scikit-learn: copy and change them.

Inputs and spikes have the shape (time step, example, channel or neuron). Weights are dictionaries
of arrays. Delays and time constants are in time steps.
"""

from copy import copy
from dataclasses import dataclass
from functools import partial
from warnings import warn

import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy
from relugrad import ReluGrad
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, compute_class_weight, multiclass, validation

DELAYS = (0, 1, 3, 9)


def decays(raw, shortest=2.0, longest=100.0):
    """Return decays whose time constants lie between these two, whatever numbers ``raw`` holds."""
    return jnp.exp(-1 / (shortest * (longest / shortest) ** jax.nn.sigmoid(raw)))


def with_past(inputs, delays):
    """Return the inputs of all delays side by side: (time step, ..., delay and channel)."""
    empty = np.zeros((), inputs.dtype)  # spikes may be booleans
    past = [jnp.roll(inputs, delay, axis=0).at[:delay].set(empty) for delay in delays]
    return jnp.concatenate(past, axis=-1)


def adlif(spike, currents, decay=0.9, slow=0.97, by_v=0.03, by_s=0.1):
    """Return the spikes of neurons that adapt to their potential and to their spikes.

    Spikes have the shape of the currents, whose first axis is time. The other four arguments are
    numbers, or arrays with a number for each neuron. Gradients flow through the reset.
    """

    def step(state, current):
        v, a = state  # the membrane potential, and the adaptation
        v = decay * v + current - a
        s = spike(v - 1.0)
        v = v - s
        a = slow * a + by_v * v + by_s * s
        return (v, a), s

    zeros = jnp.zeros_like(decay * currents[0])
    return jax.lax.scan(step, (zeros, zeros), currents)[1]


def layer(w, inputs, spike, delays):
    """Return the spikes of a layer with the weights ``w``: (time step, example, neuron).

    Training may make ``by_v`` and ``by_s`` negative, so that a spike excites its own neuron;
    ``jnp.abs`` of both would prevent this.
    """
    decay, slow = decays(w["decay"]), decays(w["slow"], shortest=5.0)
    gain = 10 * (1 - decay)  # so that fast and slow neurons reach similar potentials
    currents = with_past(inputs, delays) @ (gain * w["in"])
    return adlif(spike, currents, decay, slow, gain * (1 - slow) * w["by_v"], gain * w["by_s"])


# Compiles a function once for each shape of its arrays, and for each value of these two arguments
compiled = partial(jax.jit, static_argnames=["delays", "layer"])


@compiled
def network(weights, inputs, spike=ReluGrad(), delays=DELAYS, layer=layer):
    """Return the scores of classes, (example, class), and a list with the spikes of each layer."""
    spikes = []
    for w in weights["hidden"]:
        inputs = layer(w, inputs, spike, delays)
        spikes.append(inputs)
    rates = jax.nn.standardize(inputs.mean(axis=0), epsilon=1e-3)  # over the neurons of an example
    return rates @ weights["out"] + weights["bias"], spikes


def draw_layer(rng, inputs, neurons):
    """Draw the weights of a layer: for each neuron, those of its inputs, and its own dynamics."""
    return {
        "in": rng.normal(size=(inputs, neurons)) / inputs**0.5,
        "decay": rng.logistic(size=neurons),  # of which a sigmoid is uniform
        "slow": rng.logistic(size=neurons),
        "by_v": rng.uniform(0, 1.0, neurons),
        "by_s": rng.uniform(0, 0.2, neurons),
    }


def draw(rng, inputs, sizes, counts, **settings):
    """Draw weights with which neurons spike in about 5% of the time steps, and the network guesses.

    ``inputs`` are those to train on, ``sizes`` has the number of neurons in each layer, and
    ``counts`` the number of examples in each class.
    """
    seen = len(settings.get("delays", DELAYS))  # how often a neuron sees each input
    sizes = np.array([inputs.shape[2], *np.ravel(sizes)])
    hidden = [draw_layer(rng, *size) for size in zip(seen * sizes[:-1], sizes[1:], strict=True)]
    weights = {"hidden": hidden, "out": np.zeros((sizes[-1], len(counts))), "bias": np.log(counts)}
    sample = inputs[:, rng.choice(inputs.shape[1], 200)]
    for _ in range(10):  # the rarer a neuron's spikes, the larger the weights of its inputs
        _, spikes = network(weights, sample, **settings)
        for w, s in zip(weights["hidden"], spikes, strict=True):
            w["in"] = w["in"] * np.sqrt(np.clip(0.05 / (np.mean(s, axis=(0, 1)) + 1e-9), 0.25, 4))
    return weights


def loss(weights, inputs, labels, **settings):
    """Return the mean cross-entropy. Settings are the network's ``spike``, ``delays``, ``layer``."""
    return cross_entropy(network(weights, inputs, **settings)[0], labels).mean()


@compiled
def update(weights, moments, rate, inputs, labels, **settings):
    """Return the weights and moments after an update by Adam, and the loss before it."""
    value, gradient = jax.value_and_grad(loss)(weights, inputs, labels, **settings)
    change, moments = optax.adam(rate).update(gradient, moments, weights)
    return optax.apply_updates(weights, change), moments, value


def train(rng, weights, inputs, labels, updates=350, batch=50, rate=0.01, p=None, **settings):
    """Yield, after each update, the weights and the loss of its batch.

    The learning rate rises to ``rate`` for a fifth of the updates, then falls to 0. ``p`` holds the
    probability with which each example is drawn: the same for all by default.
    """
    moments = optax.adam(rate).init(weights)
    for lr in np.interp(range(updates), [-1, updates / 5, updates], [0, rate, 0]):
        i = rng.choice(len(labels), batch, p=p)
        weights, moments, value = update(weights, moments, lr, inputs[:, i], labels[i], **settings)
        yield weights, value


def scores_of(weights, inputs, **settings):
    """Return the scores of any number of examples, computed 200 at a time."""
    n = inputs.shape[1]
    parts = [inputs[:, np.arange(start, start + 200) % n] for start in range(0, n, 200)]
    return np.concatenate([network(weights, part, **settings)[0] for part in parts])[:n]


def train_and_choose(rng, weights, inputs, labels, share, number, updates, *how, **settings):
    """Return the weights that do best on examples held out, what they gain there, and the last ones.

    ``share`` weighs each example, and ``number`` of them are held out: if 0, the weights are chosen
    by examples that are trained on. The gain of each example is by how much its loss is less than
    with the first weights. ``how`` holds what else ``train`` takes: ``batch`` and ``rate``.
    """
    by_class = np.lexsort([rng.random(len(labels)), labels])  # by class, each shuffled
    places = np.linspace(0, len(labels) - 1, number or min(200, len(labels)), dtype=int)
    held, kept = by_class[places], np.delete(by_class, places if number else [])
    examples, p = (inputs[:, kept], labels[kept]), share[kept] / share[kept].sum()
    course = train(rng, weights, *examples, updates, *how, p=p, **settings)
    looks = np.linspace(updates, 0, 20, endpoint=False, dtype=int)
    candidates = [weights, *(w for n, (w, _) in enumerate(course, 1) if n in looks)]
    scores = [scores_of(w, inputs[:, held], **settings) for w in candidates]
    losses = np.array([share[held] * cross_entropy(s, labels[held]) for s in scores])
    best = losses.mean(axis=1).argmin()  # which is NaN where one is
    return jax.device_get(candidates[best]), losses[0] - losses[best], candidates[-1]


def as_inputs(X, max_steps=100):
    """Put time first. Features are shown for 20 time steps, and long series are shortened.

    Neighboring time steps become channels, or are summed if these were more than 1000.
    """
    if X.ndim not in (2, 3) or 0 in X.shape:
        raise ValueError("X must be (example, feature) or (example, time step, channel)")
    if X.ndim == 2:
        return np.broadcast_to(X, (20, *X.shape))
    n, steps, channels = X.shape
    together = -(-steps // max_steps)
    X = np.pad(X, [(0, 0), (-steps % together, 0), (0, 0)]).reshape(n, -1, together, channels)
    X = X.sum(axis=2) if together * channels > 1000 else X.reshape(*X.shape[:2], -1)
    return X.swapaxes(0, 1)


@dataclass(eq=False, repr=False)
class SpikingClassifier(ClassifierMixin, BaseEstimator):
    """Classify examples by how often the neurons of a spiking network spike.

    Parameters
    ----------
    hidden_layer_sizes :
        Number of neurons in each hidden layer; a number stands for one layer.
    delays :
        Time steps after which a layer sees each of its inputs.
    surrogate :
        What decides about spikes, and gives them a surrogate gradient: by default, ``ReluGrad()``. A
        function of your own goes into ``jax.tree_util.Partial``.
    max_steps :
        Series of more time steps are shortened: neighboring steps become channels, or are summed if
        these were more than 1000. Delays and time constants then count the longer steps.
    updates :
        Number of updates of the weights.
    batch_size :
        Number of examples that are drawn for each update, with replacement.
    learning_rate_init :
        The largest learning rate of Adam, which rises to it for a fifth of the updates, and then
        falls to 0.
    validation_fraction :
        Share of the examples that are held out of training, at random, and alike of each class. The
        weights are looked at up to 20 times, and at first, when they guess; those whose loss on
        these examples is smallest are kept. By default, a quarter is held out, and at most 200
        examples, if there are more than 200. Fewer are all needed in training: then nothing can
        warn that the network learns by heart.
    class_weight :
        A dictionary with a weight for each class, or ``"balanced"``, for classes that are drawn
        equally often.
    random_state :
        With an integer, the same machine and version of JAX always compute the same numbers.

    Attributes
    ----------
    classes_ :
        The classes, sorted, in an array.
    weights_ :
        The weights, a dictionary, for ``network``.
    settings_ :
        Its other arguments, ``spike`` and ``delays``.
    shape_ :
        The shape of one example.
    n_features_in_ :
        The number of features or of time steps.
    feature_names_in_ :
        The names of the columns, if ``X`` was a DataFrame whose columns have strings as names.

    Raises
    ------
    ValueError
        If ``X`` isn't (example, feature) or (example, time step, channel), is empty, holds NaN or
        infinity, or has another shape than in training; if ``y`` holds no classes; if a class's
        weight isn't positive; if the loss isn't finite; if ``validation_fraction`` leaves no
        example to train on. A ``NotFittedError``, which is a ValueError, if the classifier predicts
        before it was trained.

    Warns
    -----
    UserWarning
        If nothing was found: the network does no better than guessing by how frequent the classes
        are, on the examples held out or else in training. The message has the firing rate of each
        layer at the end of training.

    Notes
    -----
    If ``fit`` fails or is interrupted, the classifier stays as it was.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from spiking import SpikingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), SpikingClassifier(updates=100, random_state=0))
    >>> bool(cross_val_score(model, X, y).mean() > 0.9)
    True
    """

    hidden_layer_sizes: tuple = (64, 64)
    delays: tuple = DELAYS
    surrogate: ReluGrad | None = None
    max_steps: int = 100
    updates: int = 350
    batch_size: int = 50
    learning_rate_init: float = 0.01
    validation_fraction: float | None = None
    class_weight: dict | str | None = None
    random_state: int | None = None

    def fit(self, X, y):
        """Train a network, and return the classifier.

        ``X`` has the shape (example, feature) or (example, time step, channel), and ``y`` the class
        of each example.
        """
        fitted = copy(self)  # takes the place of this one when all is done
        X, y = validation.validate_data(fitted, X, y, dtype=np.float32, allow_nd=True)
        multiclass.check_classification_targets(y)
        fitted.classes_, labels = np.unique(y, return_inverse=True)
        share = compute_class_weight(self.class_weight, classes=fitted.classes_, y=y)[labels]
        if not share.min() > 0:
            raise ValueError("class_weight must hold positive numbers")
        fitted.shape_, n, fraction = X.shape[1:], len(y), self.validation_fraction
        number = min(n // 4, 200) * (n > 200) if fraction is None else int(np.ceil(fraction * n))
        if not 0 <= number < n:
            raise ValueError(f"validation_fraction={fraction} isn't None, 0, or between 0 and 1")

        inputs, rng = as_inputs(X, self.max_steps), check_random_state(self.random_state)
        settings = {"spike": self.surrogate or ReluGrad(), "delays": tuple(self.delays)}
        weights = draw(rng, inputs, self.hidden_layer_sizes, np.bincount(labels, share), **settings)
        how = number, self.updates, self.batch_size, self.learning_rate_init
        best, gain, last = train_and_choose(rng, weights, inputs, labels, share, *how, **settings)
        if np.isnan(gain).any():
            raise ValueError("The loss isn't finite: lower learning_rate_init, or standardize X.")
        if gain.mean() < 1.5 * gain.std() / len(gain) ** 0.5 + 1e-6:
            rates = [f"{s.mean():.1%}" for s in network(last, inputs[:, :200], **settings)[1]]
            warn(f"Nothing was found; guessing is as good. Rates: {', '.join(rates)}", stacklevel=2)
        fitted.weights_, fitted.settings_ = best, settings
        self.__dict__ = fitted.__dict__
        return self

    def predict_proba(self, X):
        """Return the probability of each class, (example, class), in the order of ``classes_``."""
        validation.check_is_fitted(self)
        X = validation.validate_data(self, X, dtype=np.float32, allow_nd=True, reset=False)
        if X.shape[1:] != self.shape_:
            raise ValueError(f"X has the shape {X.shape}: expected (n, *{self.shape_}).")
        scores = scores_of(self.weights_, as_inputs(X, self.max_steps), **self.settings_)
        return np.asarray(jax.nn.softmax(scores))

    def predict(self, X):
        """Return the most probable class of each example."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]
