"""A spiking network as a classifier of scikit-learn."""

import warnings
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from inputs import check_numbers, check_parameters, warn_of_data
from relugrad import ReluGrad
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, check_random_state, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

TRACED = bool, float, np.bool_, np.floating, np.ndarray, jax.Array


def decay(raw, shortest, longest):
    """Decays whose time constants, in time steps, are within these bounds, whatever raw is."""
    return jnp.exp(-1 / (shortest * (longest / shortest) ** jax.nn.sigmoid(raw)))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _compiled(cls, method, constants, traced, *arrays):
    """What a method returns. JAX compiles it for each class, method and set of constants."""
    return getattr(cls(**dict(constants), **traced), method)(*arrays)


@dataclass(eq=False, repr=False)
class SpikingClassifier(ClassifierMixin, BaseEstimator):
    """Layers of leaky integrate-and-fire neurons with a threshold of 1, trained by Adam.

    Each neuron learns a time constant of its own, and a weight for each input and delay. The
    readout is linear, and the loss the cross-entropy. Times are in time steps.

    Parameters
    ----------
    layers
        The number of hidden layers. Default 2.
    neurons
        The number of neurons in each hidden layer. Default 32.
    delays
        The delays of a layer's inputs, in time steps; each has its own weight. With ``(0,)``,
        a layer sees only its present input. Default (0, 1, 2, 4, 8, 16).
    tau_min
        The shortest time constant of a potential. Default 2.0.
    tau_max
        The longest time constant of a potential. For a longer memory, raise it. Default 50.0.
    tau_synapse
        The longest time constant of a synaptic current, which spreads a spike over time. We
        used 10.0 for spikes. Default 0.0, which means that there is none.
    adaptive
        The share of neurons that adapt, to their potential and to their spikes (Bittar and
        Garner 2022). Default 0.5.
    recurrent
        The size of the initial recurrent weights. We used 0.3 where there were any. Default 0.0,
        which means that there are none.
    scale
        The size of the first layer's initial weights. At 1, the root mean square of each
        potential, without spikes, is about the threshold, as in the other layers. Default 1.0.
    dropout
        The share of hidden neurons that are left out for each training example. Default 0.0.
    parts
        The number of equal intervals of time in which the readout counts spikes separately.
        Default 1.
    peak
        The largest value of the surrogate gradient, a triangle. Default 0.3.
    width
        The distance from the threshold at which the triangle reaches 0. Default 1.0.
    detach_reset
        Whether the reset, which subtracts the threshold, is detached, so that no gradient
        passes through it. Default False.
    learning_rate
        Adam's initial learning rate, which decays to 0 during training. Default 0.01.
    updates
        The number of weight updates (not of epochs). At 0, the network isn't trained. Default
        500.
    batch_size
        The number of examples in each update. Default 50.
    steps
        The number of time steps for which features are shown. Default 20.
    max_steps
        The largest number of time steps in a series. Longer series are shortened: neighboring
        time steps become channels of a single one. Default 100.
    class_weight
        As in scikit-learn: ``"balanced"`` gives each class the same weight in the loss. Default
        None.
    random_state
        The seed of the initial weights, the batches and the dropout. With an integer, training
        gives the same numbers again. Default 0.

    Attributes
    ----------
    classes_
        The classes, in the order of the columns of ``predict_proba``.
    loss_curve_
        The loss of each update, on the examples of its batch.
    weights_
        The trained weights: ``weights_["hidden"][0]["in"]`` has those from the inputs to the
        first layer, and ``weights_["out"]`` those of the readout.

    Notes
    -----
    JAX compiles the network again if you change a tuple, a string, an integer (of `updates`, only
    one that isn't a multiple of 50) or the shape of an array, and if a number or bool becomes 0,
    which leaves a part of the network out, or isn't 0 any more. Other changes don't recompile it.
    In a subclass, an ``if`` may depend only on integers but `updates`, strings and tuples.
    Compiled methods can't read `class_weight` and `random_state`, which don't recompile anything.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler, StandardScaler
    >>> from spiking import SpikingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> scaling = MinMaxScaler(), StandardScaler(with_std=False)
    >>> model = make_pipeline(*scaling, SpikingClassifier(updates=200))
    >>> model.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.9
    True
    """

    layers: int = 2
    neurons: int = 32
    delays: tuple = (0, 1, 2, 4, 8, 16)
    tau_min: float = 2.0
    tau_max: float = 50.0
    tau_synapse: float = 0.0
    adaptive: float = 0.5
    recurrent: float = 0.0
    scale: float = 1.0
    dropout: float = 0.0
    parts: int = 1
    peak: float = 0.3
    width: float = 1.0
    detach_reset: bool = False
    learning_rate: float = 0.01
    updates: int = 500
    batch_size: int = 50
    steps: int = 20
    max_steps: int = 100
    class_weight: dict | str | None = None
    random_state: int | None = 0

    # What a subclass can override

    def draw(self, key, inputs):
        """Draw the initial weights of a layer with this number of inputs, as a dictionary.

        ``fit`` calls this once for each layer, scales the array ``"in"`` until the potentials have
        about the size of the threshold, and trains all of the arrays.
        """
        keys, n = jax.random.split(key, 7), self.neurons
        w = {"in": jax.random.normal(keys[0], (len(self.delays) * inputs, n))}
        w |= {"bias": jnp.zeros(n), "tau": jax.random.logistic(keys[1], (n,))}
        if self.uses("tau_synapse"):
            w["tau_synapse"] = jax.random.logistic(keys[2], (n,))
        if self.uses("recurrent"):
            w["recurrent"] = self.recurrent * jax.random.normal(keys[3], (n, n)) / n**0.5
        if self.uses("adaptive"):
            w["tau_a"] = jax.random.logistic(keys[4], (n,))
            w["by_v"] = jax.random.uniform(keys[5], (n,), maxval=2.0)
            w["by_s"] = jax.random.uniform(keys[6], (n,), maxval=0.2)
        return w

    def spike(self, x):
        """Return 1 where a neuron spikes, 0 elsewhere. Its derivative is the surrogate gradient.

        ``x`` is the membrane potential minus the threshold.
        """
        return ReluGrad(self.peak / self.width, self.width)(x)

    def dynamics(self, w):
        """Compute what all time steps share, such as decays, from a layer's weights ``w``.

        Returns a dictionary, which ``neuron`` gets: the weights, ``"decay"`` and ``"gain"``, which
        multiplies all currents, and where they are used, ``"decay_synapse"`` and ``"decay_a"``.
        """
        w = w | {"decay": decay(w["tau"], self.tau_min, self.tau_max)}
        w["gain"] = 10 * (1 - w["decay"])  # so that slow neurons don't learn faster
        if self.uses("tau_synapse"):
            w["decay_synapse"] = decay(w["tau_synapse"], 1.0, self.tau_synapse)
        if self.uses("adaptive"):
            adapts = w["gain"] * (jnp.arange(self.neurons) < self.adaptive * self.neurons)
            w["decay_a"] = decay(w["tau_a"], 5.0, 100.0)
            w["by_v"] = adapts * (1 - w["decay_a"]) * w["by_v"]
            w["by_s"] = adapts * w["by_s"]
        return w

    def rest(self, current):
        """Return the state of a layer before the first time step.

        By default, it has potentials, synaptic currents, adaptation and spikes, in this order: four
        arrays with the shape of ``current``, (example, neuron).
        """
        return (jnp.zeros_like(current),) * 4

    def neuron(self, w, state, current):
        """Compute one time step of a layer.

        ``w`` is what ``dynamics`` returned, ``state`` begins with what ``rest`` returned, and
        ``current`` has the shape (example, neuron). Calls ``spike`` and ``reset``. Returns the next
        state, and a pair: spikes and potentials, each of this shape.
        """
        v, i, a, s = state
        if self.uses("recurrent"):
            current = current + w["gain"] * (s @ w["recurrent"])
        if self.uses("tau_synapse"):
            current = i = w["decay_synapse"] * i + (1 - w["decay_synapse"]) * current
        if self.uses("adaptive"):  # to the potential and to spikes (Bittar and Garner 2022)
            a = w["decay_a"] * a + w["by_v"] * v + w["by_s"] * s
            current = current - a
        v = w["decay"] * v + current
        s = self.spike(v - 1.0)
        return (self.reset(v, s), i, a, s), (s, v)

    def reset(self, v, s):
        """Return the potential ``v`` after the spikes ``s``, which subtract the threshold."""
        return v - jnp.where(self.detach_reset, jax.lax.stop_gradient(s), s)

    def layer(self, w, inputs, key=None):
        """Compute all time steps of a layer: a pair of arrays, spikes and potentials.

        ``inputs`` has the shape (time step, example, input), and both results have (time step,
        example, neuron). ``key`` is a random key in training, and None in prediction. Calls
        ``dynamics`` and ``rest``, and ``neuron`` in each time step.
        """
        w, longest = self.dynamics(w), max(self.delays)
        padded = jnp.pad(inputs, ((longest, 0), (0, 0), (0, 0)))
        starts = [longest - delay for delay in self.delays]
        delayed = jnp.concatenate([padded[at : at + len(inputs)] for at in starts], axis=2)
        # The gain times the weights, and one product of matrices: fewer large arrays, twice as fast
        flat = delayed.reshape(-1, delayed.shape[2]) @ (w["gain"] * w["in"])
        currents, bias = flat.reshape(*delayed.shape[:2], -1), w["gain"] * w["bias"]
        step = jax.checkpoint(lambda state, x: self.neuron(w, state, x + bias), prevent_cse=False)
        spikes, potentials = jax.lax.scan(step, self.rest(currents[0]), currents)[1]
        if key is not None and self.uses("dropout"):
            kept = jax.random.bernoulli(key, 1 - self.dropout, spikes.shape[1:])
            spikes = spikes * kept / (1 - self.dropout)
        return spikes, potentials

    def readout(self, spikes):
        """Return what the linear readout sees, firing rates, with the shape (example, feature).

        ``spikes`` is a list with an array for each hidden layer, (time step, example, neuron).
        """
        parts = jnp.array_split(spikes[-1], min(self.parts, len(spikes[-1])))
        return jnp.concatenate([part.mean(axis=0) for part in parts], axis=1)

    def optimizer(self):
        """Return the Optax optimizer: Adam, with a learning rate that falls to 0."""
        return optax.adam(lambda done: self.learning_rate * jnp.maximum(1 - done / self.updates, 0))

    # What is compiled

    def uses(self, name):
        """Whether a number isn't 0, as far as the program knows."""
        return isinstance(value := getattr(self, name), jax.Array) or value != 0

    def encode(self, x):
        """Time first. Features are repeated, and neighbors in long series become channels."""
        if x.ndim == 2:
            return jnp.broadcast_to(x, (self.steps, *x.shape))
        each = -(-x.shape[1] // self.max_steps)
        x = jnp.pad(x, ((0, 0), (0, -x.shape[1] % each), (0, 0)), mode="edge")
        return x.reshape(len(x), -1, each * x.shape[2]).swapaxes(0, 1)

    def initialize(self, key, x, class_weight):
        """Weights with which potentials are about as large as the threshold; rates of layers."""
        spikes, hidden = [self.encode(x)], []
        for scale in [self.scale] + [1.0] * (self.layers - 1):
            key, key_layer = jax.random.split(key)
            w = self.draw(key_layer, spikes[-1].shape[2])
            # Without spikes, potentials are proportional to the weights; weak ones cause none.
            _, v = self.layer(w | {"in": 1e-9 * w["in"]}, spikes[-1])
            size = 1e9 * jnp.sqrt((v**2).mean(axis=(0, 1)))
            w["in"] *= scale / jnp.where(size > 0, size, 1.0)
            spikes.append(self.layer(w, spikes[-1])[0])
            hidden.append(w)
        rates, classes = self.readout(spikes[1:]), len(class_weight)
        out = jax.random.normal(key, (rates.shape[1], classes)) / rates.shape[1] ** 0.5
        weights = {"hidden": hidden, "out": out, "constant": jnp.zeros(classes)}
        weights |= {"mean": rates.mean(axis=0), "deviation": rates.std(axis=0) + 0.05}
        return weights, jnp.stack([layer.mean() for layer in spikes[1:]])

    def hidden(self, weights, x, key=None):
        """The spikes of each layer, (time step, example, neuron)."""
        spikes = [self.encode(x)]
        for number, w in enumerate(weights["hidden"]):
            key_layer = None if key is None else jax.random.fold_in(key, number)
            spikes.append(self.layer(w, spikes[-1], key_layer)[0])
        return spikes[1:]

    def features(self, weights, x, key=None):
        """What the readout's weights multiply, (example, feature): standardized as at first."""
        mean, deviation = jax.lax.stop_gradient((weights["mean"], weights["deviation"]))
        return (self.readout(self.hidden(weights, x, key)) - mean) / deviation

    def scores(self, weights, x, key=None):
        """A number for each example and class: the larger, the more probable."""
        return self.features(weights, x, key) @ weights["out"] + weights["constant"]

    def loss(self, weights, x, labels, class_weight, key=None):
        """Return the loss of a batch: the cross-entropy, each example weighted by its class.

        ``x`` holds these rows of ``X``, ``labels`` the numbers of their classes from 0, and
        ``class_weight`` a weight for each class.
        """
        scores = self.scores(weights, x, key)
        entropy = optax.softmax_cross_entropy_with_integer_labels(scores, labels)
        return (class_weight[labels] * entropy).mean()

    def update(self, class_weight, state, batch):
        """The next weights and moments, and the loss."""
        (weights, moments), (x, labels, seed) = state, batch
        of_batch = x, labels, class_weight, jax.random.key(seed)
        loss, gradient = jax.value_and_grad(self.loss)(weights, *of_batch)
        change, moments = self.optimizer().update(gradient, moments, weights)
        return (optax.apply_updates(weights, change), moments), loss

    def train(self, state, batches, class_weight):
        """Weights and moments after these batches, and the loss of each."""
        return jax.lax.scan(partial(self.update, class_weight), state, batches)

    # What scikit-learn calls

    def fit(self, X, y):
        """Train on X, (example, feature) or (example, time step, channel), and classes y.

        Raises a ValueError or TypeError if the data or parameters aren't valid; the message says
        what is accepted.
        """
        check_parameters(self)
        check_numbers(X)
        X, y = validate_data(self, X, y, dtype=np.float32, allow_nd=True)
        if X.ndim > 3:
            raise ValueError(f"X has {X.ndim} axes; to use all as features: X.reshape(len(X), -1)")
        warn_of_data(X)
        check_classification_targets(y)
        self.params_ = self.get_params(deep=False)  # what is set later doesn't change a prediction
        self.classes_, labels = np.unique(y, return_inverse=True)
        weight = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        if not (weight.min() >= 0 < weight.max() < np.inf):
            raise ValueError(f"class_weight must be at least 0; got {self.class_weight!r}")
        rng, self.shape_ = check_random_state(self.random_state), X.shape[1:]
        key, some = jax.random.key(rng.randint(2**31)), X[rng.randint(len(X), size=200)]
        weights, rates = self._run("initialize", key, some, weight)
        for layer in np.flatnonzero(np.asarray(rates) == 0):
            warnings.warn(f"layer {layer + 1} doesn't spike before training: raise scale")
        moments, self.loss_curve_ = self.optimizer().init(weights), []
        for done in range(0, self.updates, 50):
            examples = rng.randint(len(X), size=(min(50, self.updates - done), self.batch_size))
            seeds = rng.randint(2**31, size=len(examples)).astype(np.uint32)
            batches = X[examples], labels[examples], seeds
            (weights, moments), losses = self._run("train", (weights, moments), batches, weight)
            self.loss_curve_ += losses.tolist()
        if not np.isfinite(self.loss_curve_).all():
            raise ValueError("the loss became infinite or NaN; try a lower learning_rate")
        self.weights_ = weights
        return self

    def predict_proba(self, X):
        """The probability of each class, (example, class).

        To calibrate it, scikit-learn's ``CalibratedClassifierCV`` takes this classifier.
        """
        return np.asarray(jax.nn.softmax(self._apply("scores", X)))

    def predict(self, X):
        """The most probable class of each example."""
        numbers = self.predict_proba(X).argmax(axis=1)  # refuses what isn't fitted
        return self.classes_[numbers]

    def _apply(self, method, X):
        """What a method returns for all examples: one program, for 200, serves any number."""
        check_is_fitted(self)
        check_numbers(X)
        x = check_array(X, dtype=np.float32, allow_nd=True, estimator=self)
        if 3 in (x.ndim, len(self.shape_) + 1) and x.shape[1:] != self.shape_:
            raise ValueError(f"X has examples of shape {x.shape[1:]}; in fit it was {self.shape_}")
        validate_data(self, X, reset=False, skip_check_array=True)  # number and names of features
        # Some examples twice, so that there are 200 in each part
        padded = np.arange(-(-len(x) // 200) * 200) % len(x)
        parts = [self._run(method, self.weights_, x[i]) for i in padded.reshape(-1, 200)]
        return np.concatenate(parts)[: len(x)]

    def _run(self, method, *arrays):
        """What a method returns, compiled for all values of the numbers that JAX traces."""
        params = self.params_ | {"updates": float(self.params_["updates"])}
        del params["class_weight"], params["random_state"]
        traced = {k: np.float32(v) for k, v in params.items() if isinstance(v, TRACED)}
        traced = {k: v for k, v in traced.items() if v.ndim or v}  # 0 leaves something out
        constants = tuple((k, v) for k, v in params.items() if k not in traced)
        return _compiled(type(self), method, constants, traced, *arrays)
