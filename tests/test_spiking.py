"""The network that readers copy: each number is one made by hand, and what its docstrings say."""

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import numpy as np
import pytest

import spiking
from relugrad import ReluGrad
from spiking import adlif, decays, with_past

RNG = np.random.default_rng(0)
LABELS = np.arange(40) % 3
SERIES: Any = RNG.normal(size=(40, 30, 3)) + LABELS[:, None, None]
INPUTS = SERIES.swapaxes(0, 1).astype(np.float32)
QUICK: Any = {"sizes": (9, 8), "updates": 60, "batch": 20}


def table(examples: int, seed: int = 0) -> Any:
    """Two classes that differ in the first of four features, shown for 20 time steps."""
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % 2
    features = rng.normal(size=(examples, 4))
    features[:, 0] += 3 * labels
    return np.broadcast_to(features, (20, examples, 4)), labels


def noise(examples: int, seed: int = 0) -> Any:
    """Inputs that say nothing of their labels."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(20, examples, 4)), rng.integers(2, size=examples)


def drawn(inputs: Any = INPUTS, **settings: Any) -> Any:
    return spiking.draw(np.random.default_rng(0), inputs, (20, 10), [3, 2, 1], **settings)


def by_hand(w: Any, inputs: Any, delays: Any, longest: float = 100.0) -> Any:
    """Spikes of a layer, (time, example, neuron), step by step, in 64 bits."""
    w = {name: np.asarray(numbers, float) for name, numbers in w.items()}

    def decay(raw: Any, shortest: float) -> Any:
        way = 1 / (1 + np.exp(-raw))  # to the longest time constant, on a logarithmic scale
        return np.exp(-1 / np.exp((1 - way) * np.log(shortest) + way * np.log(longest)))

    keeps, slow = decay(w["decay"], 2), decay(w["slow"], 5)
    scale, (v, a), spikes = 10 * (1 - keeps), np.zeros((2, inputs.shape[1], len(keeps))), []
    for t in range(len(inputs)):
        arrived = [inputs[t - d] if t >= d else np.zeros_like(inputs[0]) for d in delays]
        v = keeps * v + scale * (np.concatenate(arrived, axis=-1) @ w["in"]) - a
        spikes.append((v >= 1).astype(float))
        v = v - spikes[-1]
        a = slow * a + scale * ((1 - slow) * w["by_v"] * v + w["by_s"] * spikes[-1])
    return np.array(spikes)


def test_the_network_is_its_equations_step_by_step() -> None:
    """Delays, decays, adaptation, threshold, reset; rates of the last layer, standardized."""
    weights, delays = drawn(), (0, 1, 3, 9)
    weights["out"] = RNG.normal(size=(10, 3)).astype(np.float32)
    scores, spikes = spiking.network(weights, INPUTS[:, :10])
    first = by_hand(weights["hidden"][0], INPUTS[:, :10], delays)
    second = by_hand(weights["hidden"][1], first, delays)
    assert (spikes[0] == first).all()
    assert (spikes[1] == second).all()
    rates = second.mean(axis=0).T
    standardized = ((rates - rates.mean(axis=0)) / np.sqrt(rates.var(axis=0) + 1e-3)).T
    by_hand_scores = standardized @ weights["out"] + np.log([3, 2, 1])
    np.testing.assert_allclose(scores, by_hand_scores, atol=1e-4)


def test_time_constants_can_be_longer() -> None:
    delays, longer = (0, 5), partial(spiking.layer, longest=400.0)
    w = drawn(delays=delays)["hidden"][0]
    spikes = longer(w, INPUTS, ReluGrad(), delays)
    assert (spikes == by_hand(w, INPUTS, delays, longest=400.0)).all()
    assert (spikes != spiking.layer(w, INPUTS, ReluGrad(), delays)).any()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float64])
def test_inputs_of_every_kind_are_numbers(dtype: Any) -> None:
    """Training and predicting; `with_past` without a warning, which would be an error here."""
    inputs = (INPUTS > 1).astype(dtype)
    weights, as_floats = drawn(inputs), drawn(np.float32(inputs))
    for known in (weights, as_floats):
        *_, (known["trained"], _) = spiking.train(
            np.random.default_rng(0), dict(known), inputs, LABELS, 3
        )
    ours, theirs = weights["trained"], as_floats["trained"]
    assert (spiking.scores_of(ours, inputs) == spiking.scores_of(theirs, np.float32(inputs))).all()


@pytest.mark.usefixtures("x64")
def test_a_network_can_compute_in_64_bits() -> None:
    *_, (weights, _) = spiking.train(RNG, drawn(), np.float64(INPUTS), LABELS, 2)
    assert {w.dtype.name for w in jax.tree.leaves(weights)} == {"float64"}


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


@pytest.mark.parametrize(
    ("name", "far", "bound"),
    [("by_v", 9.0, 2.0), ("by_v", -9.0, 0.0), ("by_s", 9.0, 1.0), ("by_s", -9.0, -1.0)],
)
def test_what_could_diverge_is_bounded(name: str, far: float, bound: float) -> None:
    w = drawn(delays=(0,))["hidden"][0]
    spikes = [
        spiking.layer(w | {name: np.full(20, value)}, INPUTS, ReluGrad(), (0,))
        for value in (far, bound)
    ]
    assert (spikes[0] == spikes[1]).all()


def test_training_stays_finite_at_a_high_rate() -> None:
    *_, (weights, loss) = spiking.train(RNG, drawn(), INPUTS, LABELS, 200, rate=0.5)
    assert all(np.isfinite(w).all() for w in jax.tree.leaves((weights, loss)))


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
        (spiking.layer, table(250)[0]),
        *((spiking.layer, scale * INPUTS) for scale in (1e-3, 1.0, 1e3)),
        (spiking.layer, INPUTS > 2),
        *((layer, INPUTS) for layer in (biased, resting, synaptic)),
    ],
)
def test_neurons_spike_before_training(layer: Any, inputs: Any) -> None:
    """Whatever the inputs are, and the neuron; and the network guesses."""
    weights = drawn(inputs, layer=layer)
    scores, spikes = spiking.network(weights, inputs, layer=layer)
    assert all(0.005 < s.mean() < 0.5 for s in spikes)
    np.testing.assert_allclose(jax.nn.softmax(scores), [[1 / 2, 1 / 3, 1 / 6]] * len(scores), 1e-5)


def test_silent_neurons_are_warned_of() -> None:
    """Where all inputs are about 5, a neuron whose weights add up to less than 0 never spikes."""
    offset = np.random.default_rng(0).normal(5, 1, size=(50, 100, 6))
    with pytest.warns(UserWarning, match=r"of the neurons in layer 1 never spike"):
        drawn(offset)
    with pytest.warns(UserWarning, match=r"^100% of the neurons in layer [12] never spike"):
        drawn(0 * INPUTS)


def test_what_is_drawn_has_a_value_of_its_own_for_each_neuron() -> None:
    w = spiking.draw_layer(RNG, 5, 2000)
    assert all(len(np.unique(numbers)) == numbers.size for numbers in w.values())
    way = np.log(-1 / np.log(decays(w["decay"])) / 2) / np.log(50)  # from 2 to 100
    assert [way.min(), way.mean(), way.max()] == pytest.approx([0, 0.5, 1], abs=0.03)


def test_training_follows_its_learning_rate_and_draws_by_probability() -> None:
    """Adam's first change of a weight is the learning rate, and the last one nearly nothing."""
    weights = drawn()
    course = [weights, *(w for w, _ in spiking.train(RNG, weights, INPUTS, LABELS, 50, rate=0.03))]
    moved = [abs(b["bias"] - a["bias"]).max() for a, b in pairwise(course)]
    assert moved[0] == pytest.approx(0.03 / 11, rel=0.01)
    assert max(moved[49], moved[0]) < max(moved) < 0.04
    *_, (trained, _) = spiking.train(RNG, weights, INPUTS, LABELS, 50, p=np.eye(40)[0])
    assert (trained["bias"] - weights["bias"]).argmax() == 0


def test_each_weight_is_trained() -> None:
    before = drawn()
    *_, (weights, _) = spiking.train(RNG, before, INPUTS, LABELS, 5)
    pairs = zip(*map(jax.tree.leaves, (before, weights)), strict=True)
    assert all((old != new).any() for old, new in pairs)


def test_a_layer_of_ones_own_brings_its_weights_and_a_readout_its_numbers() -> None:
    def draw_layer(rng: Any, inputs: int, neurons: int) -> Any:
        return spiking.draw_layer(rng, inputs, neurons) | {"threshold": np.ones(neurons)}

    def layer(w: Any, inputs: Any, spike: Any, delays: Any) -> Any:
        return adlif(lambda v: spike(v + 1 - w["threshold"]), with_past(inputs, delays) @ w["in"])

    def last_step(spikes: Any) -> Any:
        return spikes[-1]

    given: Any = {"draw_layer": draw_layer, "layer": layer, "readout": last_step}
    inputs, labels = table(100)
    weights = spiking.fit(RNG, inputs, labels, **QUICK, **given)
    assert (weights["hidden"][0]["threshold"] != 1).any()
    settings: Any = {"layer": layer, "readout": last_step}
    scores, spikes = spiking.network(weights, inputs, **settings)
    activity = jax.nn.standardize(spikes[-1][-1], epsilon=1e-3)
    np.testing.assert_allclose(scores, activity @ weights["out"] + weights["bias"], atol=1e-5)


def test_scores_of_many_examples_are_those_of_few() -> None:
    inputs, _ = table(450)
    weights = drawn(inputs)
    weights["out"] = RNG.normal(size=(10, 3))
    expected, _ = spiking.network(weights, inputs)
    np.testing.assert_allclose(spiking.scores_of(weights, inputs), expected, atol=1e-5)


def test_the_same_share_of_each_class_is_held_out() -> None:
    """And never a class as a whole."""
    labels = np.repeat([0, 1, 2, 3], [1, 80, 40, 1])
    held, kept = spiking.hold_out(np.random.default_rng(0), labels, 0.25)
    assert np.bincount(labels[held], minlength=4).tolist() == [0, 20, 10, 0]
    assert sorted([*held, *kept]) == list(range(122))
    others, _ = spiking.hold_out(np.random.default_rng(1), labels, 0.25)
    assert {*held} != {*others}


def test_what_fit_returns_predicts_new_examples() -> None:
    inputs, labels = table(200)
    weights = spiking.fit(np.random.default_rng(0), inputs, labels, **QUICK)
    again = spiking.fit(np.random.default_rng(0), inputs, labels, **QUICK)
    assert all((a == b).all() for a, b in zip(*map(jax.tree.leaves, (weights, again)), strict=True))
    new, answers = table(500, seed=1)
    assert np.mean(spiking.scores_of(weights, new).argmax(axis=1) == answers) > 0.9


def test_what_is_held_out_keeps_a_network_from_learning_by_heart() -> None:
    """Where classes overlap, it does worse than guessing on new examples if all are trained on."""
    inputs, labels = table(100)
    labels = np.where(np.random.default_rng(1).random(100) < 0.2, 1 - labels, labels)
    new, answers = table(1000, seed=1)
    answers = np.where(np.random.default_rng(2).random(1000) < 0.2, 1 - answers, answers)
    losses = {}
    for held_out in (0.25, 0):
        weights = spiking.fit(np.random.default_rng(0), inputs, labels, held_out=held_out)
        losses[held_out] = spiking.losses_of(weights, new, answers).mean()
    guessing = np.log(2)
    assert losses[0.25] < guessing < losses[0]


def test_rare_classes_count_as_much_if_asked() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(800) < 80).astype(int)
    features = rng.normal(size=(800, 4))
    features[:, 0] += 1.5 * labels
    inputs = np.broadcast_to(features, (20, 800, 4))
    found = []
    for balanced in (False, True):
        weights = spiking.fit(np.random.default_rng(0), inputs, labels, balanced=balanced)
        predicted = spiking.scores_of(weights, inputs).argmax(axis=1)
        found.append(predicted[labels == 1].mean())
    assert found[0] < 0.6 < found[1]


def test_training_goes_on_from_weights() -> None:
    inputs, labels = table(200)
    weights = spiking.fit(np.random.default_rng(0), inputs, labels, **QUICK)
    on = spiking.fit(np.random.default_rng(0), inputs, labels, **QUICK, weights=weights)
    losses = [spiking.losses_of(w, inputs, labels).mean() for w in (weights, on)]
    assert losses[1] < losses[0]
    still = spiking.fit(np.random.default_rng(0), inputs, labels, rate=0.0, weights=weights)
    assert (still["out"] == weights["out"]).all()


class Impatient(np.random.Generator):
    """Somebody presses Ctrl-C when the 100th batch is drawn."""

    drawn = 0

    def choice(self, *args: Any, **given: Any) -> Any:
        """Draw as any generator does."""
        self.drawn += 1
        if self.drawn == 100:
            raise KeyboardInterrupt
        return super().choice(*args, **given)


def test_an_interrupted_fit_returns_the_best_weights_so_far() -> None:
    inputs, labels = table(200)
    with pytest.warns(UserWarning, match="Interrupted after 98 updates"):
        weights = spiking.fit(Impatient(np.random.PCG64(0)), inputs, labels)
    assert spiking.losses_of(weights, inputs, labels).mean() < 0.4 < np.log(2)


@pytest.mark.parametrize("examples", [60, 200, 300])
def test_noise_is_warned_of(examples: int) -> None:
    with pytest.warns(UserWarning, match=r"Nothing was found.* spike in \d+\.\d%, \d+\.\d%"):
        spiking.fit(np.random.default_rng(0), *noise(examples))


@pytest.mark.parametrize("held_out", [0.0, 0.25])
def test_a_rate_at_which_nothing_is_learned_is_warned_of(held_out: float) -> None:
    with pytest.warns(UserWarning, match="Nothing was found"):
        spiking.fit(RNG, *table(100), rate=0.0, updates=5, held_out=held_out)


@pytest.mark.parametrize(
    ("inputs", "labels", "kind", "message"),
    [
        (np.where(INPUTS > 2, np.nan, INPUTS), LABELS, ValueError, "NaN or infinity"),
        (np.where(INPUTS > 2, np.inf, INPUTS), LABELS, ValueError, "NaN or infinity"),
        (SERIES, LABELS, ValueError, r"shape \(40, 30, 3\) and should be .* with 40 examples"),
        (INPUTS[0], LABELS, ValueError, r"shape \(40, 3\) and should be \(time step"),
        (INPUTS, LABELS + 1, ValueError, "no example has the label 0"),
        (INPUTS, LABELS - 1, ValueError, "negative"),
        (INPUTS, LABELS * 0.5, TypeError, "float64"),
        (INPUTS, np.array(["a", "b"])[LABELS % 2], TypeError, "U1"),
    ],
)
def test_what_is_no_data_is_refused(inputs: Any, labels: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        spiking.fit(RNG, inputs, labels, **QUICK)


def test_a_second_fit_compiles_nothing() -> None:
    inputs, labels = table(200)
    spiking.fit(RNG, inputs, labels, **QUICK, spike=ReluGrad())
    programs: list[Any] = [spiking.network, spiking.update]
    compiled = [program._cache_size() for program in programs]
    others: Any = {"spike": ReluGrad(0.5), "rate": 0.1, "updates": 30, "balanced": True}
    weights = spiking.fit(RNG, -inputs, labels, **(QUICK | others))
    spiking.scores_of(weights, inputs[:, :3], spike=ReluGrad(0.5))
    assert [program._cache_size() for program in programs] == compiled


def test_of_long_series_neighbors_become_channels() -> None:
    """With zeros before the start."""
    series = np.arange(1.0, 15).reshape(7, 1, 2)
    long = [[0, 0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10], [11, 12, 13, 14]]
    assert spiking.shorten(series, 4)[:, 0].tolist() == long
    assert spiking.shorten(series, 7).tolist() == series.tolist()
    both = np.concatenate([series, -series], axis=1)
    assert (spiking.shorten(both, 4)[:, 1] == -np.array(long)).all()
    assert spiking.shorten(series > 3, 4).dtype == bool
