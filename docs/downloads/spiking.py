"""A spiking network as a classifier of scikit-learn."""

import warnings
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from relugrad import ReluGrad
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, check_random_state, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

# The smallest value of each integer, and which values of each number are accepted
INTEGERS = dict.fromkeys(["layers", "neurons", "batch_size", "steps", "max_steps"], 1) | {
    "updates": 0
}
NUMBERS = {
    "decay": ("between 0 and 1", lambda x: (x >= 0) & (x <= 1)),
    "synapse": ("at least 0 and below 1", lambda x: (x >= 0) & (x < 1)),
    "recurrent": ("at least 0", lambda x: (x >= 0) & (x < np.inf)),
    "learning_rate": ("above 0, and at most 1", lambda x: (x > 0) & (x <= 1)),
    **dict.fromkeys(["scale", "peak", "width"], ("positive", lambda x: (x > 0) & (x < np.inf))),
}
TRACED = bool, float, np.bool_, np.floating, np.ndarray, jax.Array


def check_parameters(model):
    """Refuse what can't be trained with; the message names the parameter."""
    for name, lowest in INTEGERS.items():
        value = getattr(model, name)
        if not isinstance(value, int | np.integer) or value < lowest:
            raise ValueError(f"{name} must be an integer of at least {lowest}; got {value!r}")
    for name, (text, accepts) in NUMBERS.items():
        value = getattr(model, name)
        is_number = isinstance(value, int | float | np.number | np.ndarray | jax.Array)
        if not (is_number and np.all(accepts(value))):
            raise ValueError(f"{name} must be {text}; got {value!r}")


def check_numbers(X):
    """Refuse what scikit-learn's checks let pass, or don't explain."""
    try:
        kind = np.asarray(X).dtype.kind
    except ValueError as error:
        raise ValueError("X has series of unequal length: pad or stretch them") from error
    if kind in "mM":
        raise TypeError("X has dates: turn them into numbers, such as days since the first")


def warn_of_data(X, max_steps):
    """Say what is done to X, and what is probably wrong with it."""
    if X.ndim == 3 and X.shape[1] > max_steps:
        warnings.warn(f"{X.shape[1]} time steps are averaged to max_steps={max_steps}")
    if not 0.01 <= (largest := np.abs(X).max()) <= 100:
        warnings.warn(f"the largest number in X is {largest:.0e}: scale X, as to a deviation of 1")
    # Correlations of neighboring features: above 0.8 in signals, below 0.5 in tables
    z = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-30)
    if X.ndim == 2 and X.shape[1] >= 20 and (z[:, 1:] * z[:, :-1]).mean() > 0.7:
        warnings.warn("neighboring features are alike: if they are time steps, pass X[:, :, None]")


@partial(jax.jit, static_argnums=(0, 1, 2))
def _compiled(cls, method, constants, traced, *arrays):
    """What a method returns. JAX compiles it for each class, method and set of constants."""
    return getattr(cls(**dict(constants), **traced), method)(*arrays)


@dataclass(eq=False, repr=False)
class SpikingClassifier(ClassifierMixin, BaseEstimator):
    """Layers of leaky integrate-and-fire neurons with a threshold of 1, trained by Adam.

    X has the axes (example, feature), or (example, time step, channel) for signals and
    spikes. JAX traces parameters that are floats, bools or arrays, and `updates`: all their
    values share a compiled program. Other integers and texts are constants of it, which
    `if` can look at. Compiled methods don't see class_weight and random_state.
    """

    layers: int = 2
    neurons: int = 32  # in each layer
    decay: float = 0.9  # what a potential keeps from one time step to the next
    synapse: float = 0.0  # what a synaptic current keeps; 0: there is none
    scale: float = 1.0  # of the first layer's initial weights
    bias: bool = False  # whether biases are trained, from 0
    recurrent: float = 0.0  # scale of the initial recurrent weights; 0: there are none
    peak: float = 0.3  # of the surrogate gradient
    width: float = 1.0  # of the surrogate gradient
    detach_reset: bool = False  # whether no gradient passes through the reset
    learning_rate: float = 0.01  # of Adam
    updates: int = 500
    batch_size: int = 20
    steps: int = 20  # for how many time steps a feature is shown
    max_steps: int = 100  # to how many time steps longer series are averaged
    class_weight: dict | str | None = None  # as in scikit-learn, such as "balanced"
    random_state: int | None = 0  # decides the initial weights and the batches

    # What a subclass can override. Without x, the first axes are (time step, example).

    def spike(self, x):
        """1 where x, potential minus threshold, is at least 0; with a surrogate gradient."""
        return ReluGrad(self.peak / self.width, self.width)(x)

    def rest(self, current):
        """Potential, synaptic current and spikes before the first time step."""
        return (jnp.zeros_like(current),) * 3

    def neuron(self, w, state, current):
        """The next state; spikes and potentials of this time step, (example, neuron)."""
        v, i, s = state
        i = self.synapse * i + (1 - self.synapse) * current
        v = self.decay * v + i + s @ w["recurrent"]
        s = self.spike(v - 1.0)
        return (self.reset(v, s), i, s), (s, v)

    def reset(self, v, s):
        """The potential after these spikes, which subtract the threshold."""
        return v - jnp.where(self.detach_reset, jax.lax.stop_gradient(s), s)

    def layer(self, w, inputs):
        """Spikes and potentials, (time step, example, neuron)."""
        currents = inputs @ w["in"] + self.bias * w["bias"]
        # Without recurrent weights, those that start at 0 must not be trained.
        w = w | {"recurrent": jnp.where(self.recurrent > 0, w["recurrent"], 0.0)}
        return jax.lax.scan(partial(self.neuron, w), self.rest(currents[0]), currents)[1]

    def readout(self, spikes):
        """What the scores are weighted sums of, (example, feature), from the last layer."""
        return spikes.mean(axis=0)

    def initialize(self, key, x, class_weight):
        """Weights that make potentials about as large as the threshold; how often layers spike."""
        inputs, hidden, rates, normal = self.encode(x), [], [], jax.random.normal
        for scale in [self.scale] + [1.0] * (self.layers - 1):
            key, key_in, key_back = jax.random.split(key, 3)
            back = normal(key_back, (self.neurons, self.neurons)) / self.neurons**0.5
            w = {"in": normal(key_in, (inputs.shape[2], self.neurons))}
            w |= {"recurrent": self.recurrent * back, "bias": jnp.zeros(self.neurons)}
            # Without spikes, potentials are proportional to the weights; weak ones cause none.
            _, v = self.layer(w | {"in": 1e-9 * w["in"]}, inputs)
            size = jnp.sqrt((v**2).mean())
            w["in"] *= jnp.where(size > 0, 1e-9 * scale / size, 1.0)
            inputs, _ = self.layer(w, inputs)
            hidden.append(w)
            rates.append(inputs.mean())
        out = normal(key, (self.neurons, len(class_weight))) / self.neurons**0.5
        constant = jnp.zeros(len(class_weight))
        return {"hidden": hidden, "out": out, "constant": constant}, jnp.stack(rates)

    # What is compiled

    def encode(self, x):
        """Time first. Features are repeated, and neighbors in long series averaged."""
        if x.ndim == 2:
            return jnp.broadcast_to(x, (self.steps, *x.shape))
        time, steps = np.arange(x.shape[1]), min(x.shape[1], self.max_steps)
        parts = time * steps // len(time) == np.arange(steps)[:, None]
        return jnp.tensordot(parts / parts.sum(axis=1, keepdims=True), x, (1, 1))

    def hidden(self, weights, x):
        """The spikes of each layer, (time step, example, neuron)."""
        spikes = [self.encode(x)]
        for w in weights["hidden"]:
            spikes.append(self.layer(w, spikes[-1])[0])
        return spikes[1:]

    def features(self, weights, x):
        """What the readout reads, (example, feature)."""
        return self.readout(self.hidden(weights, x)[-1])

    def scores(self, weights, x):
        """A number for each example and class: the larger, the more probable."""
        return self.features(weights, x) @ weights["out"] + weights["constant"]

    def loss(self, weights, x, labels, class_weight):
        """The cross-entropy of a batch, each example weighted by its class."""
        entropy = optax.softmax_cross_entropy_with_integer_labels(self.scores(weights, x), labels)
        return (class_weight[labels] * entropy).mean()

    def update(self, class_weight, state, batch):
        """The next weights and moments, and the loss."""
        weights, moments = state
        loss, gradient = jax.value_and_grad(self.loss)(weights, *batch, class_weight)
        change, moments = optax.adam(self.learning_rate).update(gradient, moments)
        return (optax.apply_updates(weights, change), moments), loss

    def train(self, state, batches, class_weight):
        """Weights and moments after these batches, and the loss of each."""
        return jax.lax.scan(partial(self.update, class_weight), state, batches)

    # What scikit-learn calls

    def fit(self, X, y):
        """Train on X, (example, feature) or (example, time step, channel), and classes y."""
        check_parameters(self)
        check_numbers(X)
        X, y = validate_data(self, X, y, dtype=np.float32, allow_nd=True)
        if X.ndim > 3:
            raise ValueError(f"X has {X.ndim} axes; to use all as features: X.reshape(len(X), -1)")
        warn_of_data(X, self.max_steps)
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
        moments, self.loss_curve_ = optax.adam(self.learning_rate).init(weights), []
        for done in range(0, self.updates, 50):
            examples = rng.randint(len(X), size=(min(50, self.updates - done), self.batch_size))
            batches = X[examples], labels[examples]
            (weights, moments), losses = self._run("train", (weights, moments), batches, weight)
            self.loss_curve_ += losses.tolist()
        if not np.isfinite(self.loss_curve_).all():
            raise ValueError("the loss became infinite or NaN; try a lower learning_rate")
        self.weights_ = weights
        return self

    def predict_proba(self, X):
        """The probability of each class, (example, class)."""
        return np.asarray(jax.nn.softmax(self._apply("scores", X)))

    def predict(self, X):
        """The most probable class of each example."""
        numbers = self.predict_proba(X).argmax(axis=1)
        return self.classes_[numbers]

    def _apply(self, method, X):
        """What a method returns for all examples: one program, for 200, serves any number."""
        check_is_fitted(self)
        check_numbers(X)
        x = check_array(X, dtype=np.float32, allow_nd=True, estimator=self)
        if x.ndim != len(self.shape_) + 1:
            raise ValueError(f"X has {x.ndim} axes; in fit it had {len(self.shape_) + 1}")
        for axis, name in [(1, "time steps"), (2, "channels")]:
            if x.ndim == 3 and x.shape[axis] != (size := self.shape_[axis - 1]):
                raise ValueError(f"X has {x.shape[axis]} {name}; in fit it had {size}")
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
        constants = tuple((k, v) for k, v in params.items() if k not in traced)
        return _compiled(type(self), method, constants, traced, *arrays)
