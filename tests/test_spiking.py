"""The network that readers copy: each number is one made by hand, and the classifier's promises."""

from itertools import pairwise
from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

import spiking
from relugrad import ReluGrad
from spiking import SpikingClassifier, adlif, as_inputs, decays, with_past

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(250, 4)), np.arange(250) % 2
X[:, 0] += 3 * Y
LABELS, NOISE = np.arange(40) % 3, np.random.default_rng(1).integers(2, size=250)
SERIES: Any = (RNG.normal(size=(40, 30, 3)) + LABELS[:, None, None]).astype(np.float32)
INPUTS = SERIES.swapaxes(0, 1)
QUICK = SpikingClassifier((9, 8), updates=20, batch_size=10, random_state=0)


def drawn(inputs: Any = INPUTS, **settings: Any) -> Any:
    return spiking.draw(np.random.default_rng(0), inputs, (20, 10), [3, 2, 1], **settings)


def by_hand(w: Any, inputs: Any, delays: Any) -> Any:
    """Spikes of a layer, (time, example, neuron), step by step, in 64 bits."""
    w = {name: np.asarray(numbers, float) for name, numbers in w.items()}

    def decay(raw: Any, shortest: float) -> Any:
        share = 1 / (1 + np.exp(-raw))  # of the way to 100 time steps, on a logarithmic scale
        return np.exp(-1 / np.exp((1 - share) * np.log(shortest) + share * np.log(100)))

    keeps, slow = decay(w["decay"], 2), decay(w["slow"], 5)
    gain, (v, a), spikes = 10 * (1 - keeps), np.zeros((2, inputs.shape[1], len(keeps))), []
    for t in range(len(inputs)):
        arrived = [inputs[t - d] if t >= d else np.zeros_like(inputs[0]) for d in delays]
        v = keeps * v + gain * (np.concatenate(arrived, axis=-1) @ w["in"]) - a
        spikes.append((v >= 1).astype(float))
        v = v - spikes[-1]
        a = slow * a + gain * ((1 - slow) * w["by_v"] * v + w["by_s"] * spikes[-1])
    return np.array(spikes)


def test_the_network_is_its_equations_step_by_step() -> None:
    """Delays, decays, adaptation, threshold, reset; rates of the last layer, standardized."""
    weights, delays = drawn(), (0, 1, 3, 9)
    weights["out"] = RNG.normal(size=(10, 3)).astype(np.float32)
    scores, spikes = spiking.network(weights, INPUTS[:, :10])
    assert (with_past(INPUTS > 0, (3,))[3:] == (INPUTS > 0)[:-3]).all()  # without a warning
    first = by_hand(weights["hidden"][0], INPUTS[:, :10], delays)
    second = by_hand(weights["hidden"][1], first, delays)
    assert (spikes[0] == first).all()
    assert (spikes[1] == second).all()
    rates = second.mean(axis=0).T
    standardized = ((rates - rates.mean(axis=0)) / np.sqrt(rates.var(axis=0) + 1e-3)).T
    by_hand_scores = standardized @ weights["out"] + np.log([3, 2, 1])
    np.testing.assert_allclose(scores, by_hand_scores, atol=1e-4)


def test_the_gradient_is_that_of_finite_differences() -> None:
    """Of a network with the integral of the surrogate gradient in place of spikes."""
    weights, smooth = drawn(), jax.tree_util.Partial(ReluGrad(1.0, 1.0).surrogate_fun)
    weights["out"] = RNG.normal(size=(10, 3)).astype(np.float32)
    leaves, structure = jax.tree.flatten(weights)

    @jax.jit
    @jax.value_and_grad
    def loss(distance: float, way: Any) -> Any:
        moved = [w + distance * to for w, to in zip(leaves, way, strict=True)]
        moved = jax.tree.unflatten(structure, moved)
        return spiking.loss(moved, INPUTS, LABELS, spike=smooth)

    for changed in range(len(leaves)):  # one kind of weight at a time
        way = [RNG.normal(size=w.shape) * (n == changed) for n, w in enumerate(leaves)]
        (before, _), (_, gradient), (after, _) = (loss(to, way) for to in (-0.002, 0.0, 0.002))
        np.testing.assert_allclose(gradient, (after - before) / 0.004, rtol=0.03, atol=2e-4)


def biased(w: Any, inputs: Any, spike: Any, delays: Any) -> Any:
    return adlif(spike, 0.1 + with_past(inputs, delays) @ w["in"])


def resting(w: Any, inputs: Any, spike: Any, delays: Any) -> Any:
    return adlif(lambda v: spike(v + 0.3), with_past(inputs, delays) @ w["in"], 0.8)


def synaptic(w: Any, inputs: Any, spike: Any, delays: Any) -> Any:
    def step(state: Any, current: Any) -> Any:
        v, i = state
        i = 0.9 * i + 0.1 * current
        v = decays(w["decay"]) * v + i
        s = spike(v - 1.0)
        return (v - s, i), s

    currents = with_past(inputs, delays) @ w["in"]
    return jax.lax.scan(step, (0 * currents[0], 0 * currents[0]), currents)[1]


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (spiking.layer, as_inputs(np.float32(X))),
        *((spiking.layer, scale * INPUTS) for scale in (1e-3, 1.0, 1e3)),
        (spiking.layer, np.float32(INPUTS > 2)),
        *((layer, INPUTS) for layer in (biased, resting, synaptic)),
    ],
)
def test_neurons_spike_before_training(layer: Any, inputs: Any) -> None:
    """Whatever the inputs are, and the neuron; and the network guesses."""
    weights = drawn(inputs, layer=layer)
    scores, spikes = spiking.network(weights, inputs, layer=layer)
    assert all(0.005 < s.mean() < 0.5 for s in spikes)
    np.testing.assert_allclose(jax.nn.softmax(scores), [[1 / 2, 1 / 3, 1 / 6]] * len(scores), 1e-5)


def test_what_is_drawn_has_a_value_of_its_own_for_each_neuron() -> None:
    w = spiking.draw_layer(RNG, 5, 2000)
    assert all(len(np.unique(numbers)) == numbers.size for numbers in w.values())
    share = np.log(-1 / np.log(decays(w["decay"])) / 2) / np.log(50)  # of the way from 2 to 100
    assert [share.min(), share.mean(), share.max()] == pytest.approx([0, 0.5, 1], abs=0.03)


def test_training_follows_its_learning_rate_and_draws_by_probability() -> None:
    """Adam's first change of a weight is the learning rate, and the last one nearly nothing."""
    weights = drawn()
    course = [weights, *(w for w, _ in spiking.train(RNG, weights, INPUTS, LABELS, 50, rate=0.03))]
    moved = [abs(b["bias"] - a["bias"]).max() for a, b in pairwise(course)]
    assert moved[0] == pytest.approx(0.03 / 11, rel=0.01)
    assert max(moved[49], moved[0]) < max(moved) < 0.04
    *_, (trained, _) = spiking.train(RNG, weights, INPUTS, LABELS, 50, p=np.eye(40)[0])
    assert (trained["bias"] - weights["bias"]).argmax() == 0


def test_each_weight_is_trained_and_a_second_fit_compiles_nothing() -> None:
    before = drawn()
    *_, (weights, _) = spiking.train(RNG, before, INPUTS, LABELS, 5)
    pairs = zip(*map(jax.tree.leaves, (before, weights)), strict=True)
    assert all((old != new).any() for old, new in pairs)
    first = clone(QUICK).fit(X, Y)
    programs: list[Any] = [spiking.network, spiking.update]
    compiled = [program._cache_size() for program in programs]
    given = {"surrogate": ReluGrad(0.5), "learning_rate_init": 0.1, "random_state": 1, "updates": 9}
    clone(first).set_params(**given).fit(X[::-1], Y).predict(X[:3])
    assert [program._cache_size() for program in programs] == compiled


def test_a_feature_is_a_current_and_long_series_are_shortened() -> None:
    """Neighbors become channels, with zeros before the start, or are summed."""
    assert (as_inputs(X) == np.stack([X] * 20)).all()
    series = np.arange(1.0, 15).reshape(1, 7, 2)
    long = [[0, 0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10], [11, 12, 13, 14]]
    assert as_inputs(series, 4)[:, 0].tolist() == long
    assert as_inputs(series, 7)[:, 0].tolist() == series[0].tolist()
    wide, narrow = np.ones((2, 7, 600)), np.ones((2, 7, 500))
    assert as_inputs(wide, 4).tolist() == np.stack([1 * wide[:, 0], *3 * [2 * wide[:, 0]]]).tolist()
    assert as_inputs(narrow, 4).shape == (4, 2, 1000)


def test_predictions_are_softmax_of_scores_in_batches_and_by_name() -> None:
    names = np.array(["no", "yes"])[Y]
    model = clone(QUICK).fit(X, names)
    scores, _ = spiking.network(model.weights_, as_inputs(np.float32(X)), **model.settings_)
    np.testing.assert_allclose(model.predict_proba(X), jax.nn.softmax(scores), atol=1e-5)
    assert (model.predict(X) == np.array(["no", "yes"])[scores.argmax(axis=1)]).all()


FAILS = jax.tree_util.Partial(lambda x: 1 / 0)


@pytest.mark.parametrize("bad", [{"surrogate": FAILS}, {"learning_rate_init": np.inf}])
def test_a_fit_is_all_or_nothing(bad: Any) -> None:
    frame = load_iris(as_frame=True)
    model = clone(QUICK).fit(frame.data, frame.target)
    known = model.score(frame.data, frame.target), {*vars(model)}
    model.set_params(**bad)
    for either in (model, first := clone(model)):
        with pytest.raises((ZeroDivisionError, ValueError)):
            either.fit(X, Y)
    assert (model.score(frame.data, frame.target), {*vars(model)}) == known
    with pytest.raises(NotFittedError):
        first.predict(X)


def test_the_weights_that_are_kept_do_best_on_what_is_held_out() -> None:
    noise, inputs = np.random.default_rng(3).integers(3, size=250), as_inputs(np.float32(X))
    share = np.array([0.5, 1.0, 1.5])[noise]
    before = spiking.draw(np.random.default_rng(0), inputs, (20, 10), np.bincount(noise, share))

    def of(number: int) -> Any:
        rng = np.random.default_rng(0)
        best, gain, _ = spiking.train_and_choose(rng, before, inputs, noise, share, number, 100)
        random = np.random.default_rng(0).random(250)
        order = sorted(range(250), key=lambda i: (noise[i], random[i]))  # by class
        held = np.array(order)[np.linspace(0, 249, number or 200, dtype=int)]
        losses = []
        for weights in (before, best):
            logarithms = jax.nn.log_softmax(spiking.scores_of(weights, inputs[:, held]))
            losses.append(-share[held] * logarithms[np.arange(len(held)), noise[held]])
        np.testing.assert_allclose(gain, losses[0] - losses[1], atol=1e-3)
        return gain.mean()

    assert 0 <= of(50) < 0.05 < of(0)  # which is learned by heart


@pytest.mark.parametrize(("n", "number"), [(200, 0), (201, 50), (1000, 200)])
def test_of_more_than_200_a_quarter_is_held_out_and_at_most_200(n: int, number: int) -> None:
    with mock.patch.object(spiking, "train_and_choose", wraps=spiking.train_and_choose) as choose:
        clone(QUICK).fit(np.resize(X, (n, 4)), np.resize(Y, n))
    assert choose.call_args.args[5] == number


@pytest.mark.parametrize(
    ("x", "y", "given", "kind", "message"),
    [
        (np.where(X > 2, np.nan, X), Y, {}, ValueError, "Input X contains NaN"),
        (SERIES[..., None], LABELS, {}, ValueError, "X must be "),
        (SERIES[..., :0], LABELS, {}, ValueError, "X must be "),
        (X, X[:, 0], {}, ValueError, "Unknown label type: continuous"),
        *((X, Y, {"validation_fraction": f}, ValueError, f"={f} isn't None") for f in (-0.1, 1.0)),
        (X, Y, {"learning_rate_init": np.nan}, ValueError, "The loss isn't finite"),
        (X, Y, {"class_weight": {0: 0.0}}, ValueError, "class_weight must hold positive numbers"),
        (0 * X, Y, {}, UserWarning, "Nothing was found.* 0.0%, 0.0%"),
        (X, NOISE, {"updates": 60}, UserWarning, "Nothing was found"),
        (X, NOISE, {"learning_rate_init": 9.0}, UserWarning, r"Rates: [2-7]\d\."),
    ],
)
def test_what_is_wrong_is_refused_or_warned_of(
    x: Any, y: Any, given: Any, kind: Any, message: str
) -> None:
    """In tests, a warning is raised as an error."""
    with pytest.raises(kind, match=message):
        clone(QUICK).set_params(**given).fit(x, y)


@pytest.mark.parametrize("x", [SERIES[:, :10], SERIES[..., :2], SERIES[:, :, 0]])
def test_other_shapes_than_in_fit_are_refused(x: Any) -> None:
    model = clone(QUICK).fit(SERIES, LABELS)
    with pytest.raises(ValueError, match=r"expect"):
        model.predict(x)


def test_each_parameter_counts() -> None:
    def predicted(**given: Any) -> Any:
        return clone(QUICK).set_params(**given).fit(SERIES, LABELS).predict_proba(SERIES).tolist()

    others: dict[str, Any] = {"hidden_layer_sizes": 9, "delays": (0,), "max_steps": 10}
    others |= {"surrogate": ReluGrad(1.0), "updates": 19, "batch_size": 9, "random_state": 1}
    others |= {"learning_rate_init": 0.1, "validation_fraction": 0.2}
    others |= {"class_weight": {0: 1.0, 1: 1.0, 2: 9.0}}
    assert others.keys() == QUICK.get_params().keys()
    usual = predicted()
    assert predicted() == usual
    for name, value in others.items():
        assert predicted(**{name: value}) != usual, name
