"""The script of Start values: what it chooses, what it refuses, and that what is changed counts."""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from relugrad import ReluGrad
from search import SETTINGS, features, lif, search, signal

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(60, 4)), np.arange(60) % 3
SERIES = RNG.normal(size=(60, 20, 3))
ONE = {name: values[:1] for name, values in SETTINGS.items()}


@pytest.mark.parametrize(
    ("x", "labels", "encode", "message"),
    [
        (X, [*LABELS, *LABELS], features, r"x has the shape \(60, 4\), and labels \(120,\)"),
        (SERIES.swapaxes(0, 1), LABELS, signal, r"the first axis of x has to be the examples"),
        (X, np.eye(3)[LABELS], features, r"labels \(60, 3\).* one number or word for each"),
        (SERIES[..., 0], LABELS, signal, r"not \(examples, time steps, channels\); for one"),
        (SERIES, LABELS, features, r"x has the shape \(60, 20, 3\), not \(examples, features\)"),
        ([s[: 5 + i] for i, s in enumerate(SERIES)], LABELS, signal, "unequal length"),
        (np.where(X > 2, np.nan, X), LABELS, features, "x has NaN or infinite values"),
        (0 * X, LABELS, features, "x is constant"),
        (X, 0 * LABELS, features, "labels is constant"),
        (X, [None] * 20 + ["a", "b"] * 20, features, "labels has missing values"),
        (X, X[:, 0], features, r"labels has 60 classes, .* pandas\.qcut"),
    ],
)
def test_what_cannot_be_searched_is_refused(x: Any, labels: Any, encode: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search(x, labels, encode)


def test_examples_cannot_be_learned_from_and_tested() -> None:
    with pytest.raises(ValueError, match="split: learn and test have examples in common"):
        search(X, LABELS, features, split=(np.arange(40), np.arange(30, 60)))


def test_each_setting_counts_and_the_lowest_loss_is_chosen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = np.where(X[:, 0] > 0, "high", "low")
    settings = [ONE, *(ONE | {name: [0.5]} for name in ONE)]
    found = search(X, words, features, settings, updates=50, seeds=1, keep=1.0)
    assert found.table["loss"].is_monotonic_increasing
    assert found.table["loss"].nunique() == len(settings)
    capsys.readouterr()
    found.test()
    shown = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert shown[:3] == ["network", "frozen network", "linear model"]
    assert (found.classify(X) == words).mean() > 0.8


def test_another_spike_or_neuron_counts() -> None:
    changes: list[Any] = [{}, {"spike": ReluGrad(3.0)}, {"neuron": partial(lif, reset=jnp.sin)}]
    quick: dict[str, Any] = {"settings": ONE, "updates": 50, "seeds": 1, "controls": False}
    losses = [
        search(X, LABELS, features, **quick, **changed).table["loss"][0] for changed in changes
    ]
    assert len({*losses}) == 3
