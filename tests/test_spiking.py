"""The classifier: each number is one made by hand, what a reader sets counts, and bad input is named."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss

import spiking
from inputs import LIMITS
from relugrad import ReluGrad
from spiking import SpikingClassifier

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(80, 4)), np.arange(80) % 2
X[:, 0] += 2 * Y
SERIES = RNG.normal(size=(80, 20, 3)).astype(np.float32)
QUICK = SpikingClassifier(layers=1, neurons=8, updates=3, batch_size=10)
ALL: Any = {"tau_synapse": 8.0, "recurrent": 0.5, "delays": (0, 2, 3), "parts": 2, "dropout": 0.2}


BAD: list[Any] = [*((name, -1) for name in LIMITS), ("learning_rate", np.nan), ("scale", "large")]
BAD += [("neurons", 1.5), ("tau_max", np.inf), ("class_weight", {0: -1.0, 1: 1.0})]
BAD += [("delays", ()), ("delays", [0, 1]), ("delays", (0.5,)), ("delays", (-1, 0))]


@pytest.mark.parametrize(
    ("x", "given", "kind", "message"),
    [
        *((X, {name: value}, ValueError, f"^{name} must be .*; got ") for name, value in BAD),
        (np.where(X > 2, np.nan, X), {}, ValueError, "Input X contains NaN"),
        (X.astype("M8[D]"), {}, TypeError, "X has dates: turn them into numbers"),
        ([s[: 5 + i % 9] for i, s in enumerate(SERIES)], {}, ValueError, "of unequal length"),
        (SERIES[..., None], {}, ValueError, r"X has 4 axes; .* X.reshape\(len\(X\), -1\)"),
        (-1e30 * abs(X), {}, UserWarning, r"the largest number in X is \d.*e\+30: scale X"),
        (np.cumsum(RNG.normal(size=(80, 50)), axis=1), {}, UserWarning, "features are alike: if"),
        (X, {"scale": 0.01}, UserWarning, "layer 1 doesn't spike before training: raise scale"),
    ],
)
def test_what_is_wrong_is_refused_or_warned_of(x: Any, given: Any, kind: Any, message: str) -> None:
    """A parameter out of range by its name. In tests, a warning is raised as an error."""
    with pytest.raises(kind, match=message):
        clone(QUICK).set_params(**given).fit(x, Y)


@pytest.fixture(scope="module")
def fitted() -> SpikingClassifier:
    return clone(QUICK).set_params(**ALL, layers=2, updates=20).fit(SERIES, Y)


@pytest.mark.parametrize("x", [SERIES[:, :10], SERIES[..., :2], X])
def test_other_axes_than_in_fit_are_refused(fitted: Any, x: Any) -> None:
    with pytest.raises(ValueError, match=r"shape \([\d, ]+\); in fit it was \(20, 3\)"):
        fitted.predict(x)


def by_hand(network: Any, w: Any, inputs: Any) -> Any:
    """Spikes and potentials of a layer, (time, neuron), step by step, in 64 bits."""
    w = {name: np.asarray(value, float) for name, value in w.items()}

    def decay(raw: Any, shortest: float, longest: float) -> Any:
        share = 1 / (1 + np.exp(-raw))  # of the way between them, on a logarithmic scale
        return np.exp(-1 / np.exp((1 - share) * np.log(shortest) + share * np.log(longest)))

    keeps, slow = decay(w["tau"], network.tau_min, network.tau_max), decay(w["tau_a"], 5, 100)
    synapse = decay(w["tau_synapse"], 1, network.tau_synapse)
    gain, half = 10 * (1 - keeps), np.arange(network.neurons) < network.neurons / 2
    v, i, a, s = np.zeros((4, network.neurons))
    found = []
    for t in range(len(inputs)):
        arrived = [inputs[t - d] if t >= d else np.zeros_like(inputs[0]) for d in network.delays]
        current = gain * (np.concatenate(arrived) @ w["in"] + w["bias"] + s @ w["recurrent"])
        i = synapse * i + (1 - synapse) * current
        a = slow * a + half * gain * ((1 - slow) * w["by_v"] * v + w["by_s"] * s)
        v = keeps * v + i - a
        s = (v >= 1).astype(float)
        found.append((s, v))
        v = v - s
    return np.array(found).swapaxes(0, 1)


def test_a_layer_is_its_equations_step_by_step(fitted: Any) -> None:
    """Delays, decays, synaptic current, adaptation, recurrent weights, threshold and reset."""
    w, example = fitted.weights_["hidden"][0], 3 * SERIES[:1]
    spikes, potentials = fitted.layer(w, fitted.encode(example))
    right = by_hand(fitted, w, example[0])
    assert 0.02 < right[0].mean() < 0.9
    np.testing.assert_array_equal(spikes[:, 0], right[0])
    np.testing.assert_allclose(potentials[:, 0], right[1], atol=1e-4)


def test_scores_come_from_the_rates_of_the_last_layer(fitted: Any) -> None:
    """In each half of the time, standardized as before training; softmax makes probabilities."""
    w, spikes = fitted.weights_, fitted.encode(SERIES[:5])
    for layer in w["hidden"]:
        spikes = fitted.layer(layer, spikes)[0]
    rates = np.concatenate([np.mean(spikes[:10], 0), np.mean(spikes[10:], 0)], axis=1)
    before = clone(fitted).set_params(updates=0).fit(SERIES, Y).weights_
    features = (rates - before["mean"]) / before["deviation"]
    np.testing.assert_allclose(fitted._apply("features", SERIES)[:5], features, atol=1e-4)
    shares = jax.nn.softmax(features @ w["out"] + w["constant"])
    np.testing.assert_allclose(fitted.predict_proba(SERIES)[:5], shares, atol=1e-4)
    assert (fitted.predict(SERIES)[:5] == shares.argmax(axis=1)).all()


def test_a_feature_is_a_current_and_neighbors_in_long_series_become_channels() -> None:
    network = SpikingClassifier(steps=3, max_steps=4)
    assert (network.encode(X[:2]) == np.stack([X[:2]] * 3)).all()
    series = np.arange(14.0).reshape(1, 7, 2)  # of 7 time steps two each; the last is shown twice
    long = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 12, 13]]
    assert network.encode(jnp.asarray(series))[:, 0].tolist() == long
    assert network.encode(jnp.asarray(series[:, :4]))[:, 0].tolist() == series[0, :4].tolist()


def test_initial_potentials_are_as_large_as_the_threshold() -> None:
    """Each neuron's, by root mean square and without spikes, times the scale of the first layer."""
    network = clone(QUICK).set_params(layers=2, scale=2.0, updates=0, neurons=20).fit(SERIES, Y)
    inputs = network.encode(SERIES)
    for w, scale in zip(network.weights_["hidden"], [2.0, 1.0], strict=True):
        _, v = network.layer(w | {"in": 1e-6 * w["in"]}, inputs)
        size = 1e6 * np.sqrt(np.mean(np.square(v), axis=(0, 1)))
        np.testing.assert_allclose(size, scale, rtol=0.2)  # 200 of 80 examples, drawn at random
        inputs = network.layer(w, inputs)[0]


def test_initial_weights_are_scaled_on_examples_of_all_classes() -> None:
    """Also where the classes come one after the other: their rates differ."""
    sorted_by_class = np.repeat([[0.0] * 4, [1.0] * 4], 300, axis=0)
    network = clone(QUICK).set_params(updates=0).fit(sorted_by_class, np.repeat([0, 1], 300))
    assert (network.weights_["deviation"] > 0.1).any()


def test_time_constants_are_drawn_between_their_bounds_on_a_logarithmic_scale() -> None:
    network = SpikingClassifier(neurons=2000, tau_min=3.0, tau_max=30.0)
    w = network.dynamics(network.draw(jax.random.key(0), 1))
    share = np.log10(-1 / np.log(w["decay"]) / 3)  # of the way from 3 to 30
    assert [share.min(), share.mean(), share.max()] == pytest.approx([0, 0.5, 1], abs=0.014)


def test_peak_and_width_are_those_of_the_surrogate_gradient() -> None:
    slope = jax.vmap(jax.grad(SpikingClassifier(peak=0.6, width=2.0).spike))
    np.testing.assert_allclose(slope(jnp.array([-3.0, -1.0, 0.0, 1.5])), [0, 0.3, 0.6, 0.15], 1e-6)


def test_the_loss_is_the_weighted_cross_entropy_of_scikit_learn(fitted: Any) -> None:
    weight = np.array([1.0, 3.0], np.float32)
    total = log_loss(Y, fitted.predict_proba(SERIES), sample_weight=weight[Y], normalize=False)
    assert fitted.loss(fitted.weights_, SERIES, Y, weight) == pytest.approx(total / 80, rel=1e-4)


def test_the_learning_rate_falls_to_zero_in_even_steps() -> None:
    """Adam moves a weight with a constant gradient by the rate in each update."""
    optimizer = SpikingClassifier(learning_rate=0.1, updates=5).optimizer()
    moved, state = [], optimizer.init(1.0)
    for _ in range(6):
        change, state = optimizer.update(1.0, state)
        moved.append(-change)
    np.testing.assert_allclose(moved, [0.1, 0.08, 0.06, 0.04, 0.02, 0.0], atol=1e-5)


def test_training_goes_on_where_it_was_after_each_fifty_updates() -> None:
    """What Adam has counted decides the learning rate.

    Each update, with each seed, has a random key and a batch of its own, of all examples.
    """
    counts, keys, batches = [], [], []

    class Watched(SpikingClassifier):
        def _run(self, method: str, *arrays: Any) -> Any:
            result = super()._run(method, *arrays)
            if method == "train":
                counts.append(int(result[0][1][0].count))
                keys.extend(arrays[1][2].tolist())
                batches.extend(arrays[1][0][..., 0].tolist())
            return result

    for seed in (0, 1):
        Watched(layers=1, neurons=4, updates=101, steps=5, random_state=seed).fit(X, Y)
    assert counts == 2 * [50, 100, 101]
    assert len({*keys}) == len({*map(tuple, batches)}) == 202
    assert np.unique(batches).tolist() == np.unique(np.float32(X[:, 0])).tolist()


def test_the_gradient_is_that_of_finite_differences() -> None:
    """Of a network with the integral of the surrogate gradient in place of spikes."""

    class Smooth(SpikingClassifier):
        def spike(self, x: Any) -> Any:
            return ReluGrad(1.0, 1.0).surrogate_fun(x)

    network = Smooth(layers=2, neurons=4, updates=0, **ALL).fit(SERIES, Y)
    rng, (leaves, structure) = np.random.default_rng(1), jax.tree.flatten(network.weights_)
    kept = {name: network.weights_[name] for name in ("mean", "deviation")}

    @jax.jit
    @jax.value_and_grad
    def loss(distance: float, way: Any) -> Any:
        moved = [w + distance * to for w, to in zip(leaves, way, strict=True)]
        moved = jax.tree.unflatten(structure, moved) | kept
        return network.loss(moved, SERIES[:20], Y[:20], np.ones(2, np.float32))

    for changed in range(len(leaves)):  # one kind of weight at a time
        way = [rng.normal(size=w.shape) * (n == changed) for n, w in enumerate(leaves)]
        (before, _), (_, gradient), (after, _) = (loss(to, way) for to in (-0.002, 0.0, 0.002))
        np.testing.assert_allclose(gradient, (after - before) / 0.004, rtol=0.02, atol=1e-4)


def test_each_parameter_counts_and_numbers_share_a_program() -> None:
    base = clone(QUICK).set_params(**ALL)
    numbers: dict[str, Any] = {"peak": 0.1, "width": 3.0, "recurrent": 0.1, "adaptive": 1.0}
    numbers |= {"tau_min": 1.0, "tau_max": 9.0, "tau_synapse": 2.0, "scale": 0.4, "dropout": 0.5}
    numbers |= {"learning_rate": 0.4, "random_state": 1, "class_weight": {0: 9.0, 1: 1.0}}

    def losses(**given: Any) -> list[float]:
        return clone(base).set_params(**given).fit(SERIES, Y).loss_curve_

    programs: Any = spiking._compiled
    usual, compiled = losses(), programs._cache_size()
    others: dict[str, Any] = {"detach_reset": True, "batch_size": 9, "updates": 2}
    for name, value in (numbers | others).items():
        assert losses(**{name: value}) != usual, name
        assert name in others or programs._cache_size() == compiled

    def weights(**given: Any) -> str:
        draw = clone(base).set_params(**given).initialize
        return str(jax.eval_shape(draw, jax.random.key(0), SERIES, np.ones(2)))

    shapes: dict[str, Any] = {"layers": 2, "neurons": 9, "delays": (0,), "parts": 1}
    shapes |= {"max_steps": 10, "recurrent": 0.0, "tau_synapse": 0.0, "adaptive": 0.0}
    for name, value in shapes.items():
        assert weights(**{name: value}) != weights(), name
    assert {*base.get_params()} - {*numbers, *others, *shapes} == {"steps"}  # of features


def test_a_seed_decides_the_initial_weights_and_what_is_learned() -> None:
    def fit(seed: int, updates: int) -> Any:
        return clone(QUICK).set_params(random_state=seed, updates=updates).fit(X, Y)

    assert (fit(0, 3).predict_proba(X) == fit(0, 3).predict_proba(X)).all()
    first, second = (fit(seed, 0).weights_["hidden"][0] for seed in (0, 1))
    assert {name for name in first if (first[name] == second[name]).all()} == {"bias"}  # 0
    assert {name for name in first if np.unique(first[name]).size < first[name].size} == {"bias"}


def test_dropout_leaves_a_share_of_neurons_out_and_enlarges_the_other_spikes(fitted: Any) -> None:
    """In all time steps, in training alone, and others in each layer."""
    given = fitted.weights_["hidden"][0], fitted.encode(np.tile(SERIES, (9, 1, 1)))
    whole, part = (np.array(fitted.layer(*given, k)[0]) for k in (None, jax.random.key(0)))
    np.testing.assert_allclose(part, 1.25 * whole * (part > 0).any(axis=0), rtol=1e-6)
    assert part.mean() == pytest.approx(whole.mean(), rel=0.03)
    state = fitted.weights_, fitted.optimizer().init(fitted.weights_)
    losses = [fitted.update(np.ones(2), state, (SERIES, Y, np.uint32(seed)))[1] for seed in (0, 1)]
    assert losses[0] != losses[1]
    noted = copy(fitted)
    noted.layer = lambda w, x, key: [key]
    assert len({*map(str, noted.hidden(fitted.weights_, SERIES, jax.random.key(0)))}) == 2


def test_each_weight_is_trained(fitted: Any) -> None:
    """All but the means and deviations of rates."""
    before = clone(fitted).set_params(updates=0).fit(SERIES, Y).weights_
    learned = jax.tree.map(lambda a, b: (a != b).any(), before, fitted.weights_)
    assert (learned.pop("mean"), learned.pop("deviation")) == (False, False)
    assert all(jax.tree.leaves(learned))


def test_what_is_set_after_the_training_changes_no_prediction(fitted: Any) -> None:
    other = copy(fitted).set_params(tau_max=3.0, parts=1)
    assert (other.predict_proba(SERIES) == fitted.predict_proba(SERIES)).all()


def test_what_a_subclass_overrides_counts_also_when_it_is_defined_anew() -> None:
    def rate(size: float, **given: Any) -> float:
        @dataclass(eq=False, repr=False)
        class Loud(SpikingClassifier):
            more: float = 1.0

            def spike(self, x: jax.Array) -> Any:
                return self.more * size * super().spike(x)

        return Loud(layers=1, updates=0, **given).fit(X, Y).weights_["mean"].mean().item()

    assert len({rate(2.0), rate(3.0), rate(3.0, more=4.0)}) == 3
