"""The classifier and its search: what they refuse, and that what a reader sets counts."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import spiking
from spiking import SpikingClassifier
from tune import SeriesScaler, search

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(80, 4)), np.arange(80) % 2
X[:, 0] += 2 * Y
SERIES = RNG.normal(size=(80, 20, 3))
QUICK = SpikingClassifier(neurons=8, updates=20, batch_size=10)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.where(X > 2, np.nan, X), Y, "Input X contains NaN"),
        (X.astype("M8[D]"), Y, "X has dates: turn them into numbers"),
        ([s[: 5 + i % 9] for i, s in enumerate(SERIES)], Y, "X has series of unequal length"),
        (np.zeros((80, 8, 8, 3)), Y, r"X has 4 axes; .* X.reshape\(len\(X\), -1\)"),
    ],
)
def test_what_cannot_be_learned_is_refused(x: Any, y: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        clone(QUICK).fit(x, y)


@pytest.fixture(scope="module")
def fitted() -> SpikingClassifier:
    return clone(QUICK).set_params(layers=1).fit(SERIES, Y)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (SERIES[:, :10], "X has 10 time steps; in fit it had 20"),
        (SERIES[..., :2], "X has 2 channels; in fit it had 3"),
        (X, "X has 2 axes; in fit it had 3"),
    ],
)
def test_other_axes_than_in_fit_are_refused(fitted: Any, x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted.predict(x)


@pytest.mark.parametrize("name", ["layers", "neurons", "updates", "peak", "width", "scale"])
def test_a_negative_parameter_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be (positive|.* at least [01]); got -1"):
        clone(QUICK).set_params(**{name: -1}).fit(X, Y)


def test_each_parameter_counts_and_numbers_share_a_program() -> None:
    base = clone(QUICK).set_params(recurrent=0.5, bias=True)
    numbers: dict[str, Any] = {"peak": 0.1, "width": 3.0, "bias": False, "detach_reset": True}
    numbers |= dict.fromkeys(["decay", "synapse", "scale", "recurrent", "learning_rate"], 0.4)
    numbers |= {"random_state": 1, "class_weight": {0: 9.0, 1: 1.0}}

    def losses(name: str, value: Any) -> tuple[float, ...]:
        return tuple(clone(base).set_params(**{name: value}).fit(X, Y).loss_curve_)

    found = [losses("peak", 0.3)]
    compiled: Any = spiking._compiled
    programs = compiled._cache_size()
    found += [losses(name, value) for name, value in numbers.items()]
    assert compiled._cache_size() == programs
    found += [losses("layers", 1), losses("steps", 5)]
    assert len({*found}) == len(found)


def test_what_a_subclass_overrides_counts_also_when_it_is_defined_anew() -> None:
    def defined(slope: float) -> Any:
        @dataclass(eq=False, repr=False)
        class Clipped(SpikingClassifier):
            reach: float = 1.0

            def spike(self, x: jax.Array) -> Any:
                smooth = slope * jnp.clip(x, -self.reach, self.reach)
                return jax.lax.stop_gradient((x >= 0) - smooth) + smooth

        return Clipped(**QUICK.get_params() | {"layers": 1})

    models = [defined(0.2), defined(0.3), clone(defined(0.3)).set_params(reach=0.1)]
    weights = [model.fit(X, Y).weights_["hidden"][0]["in"] for model in models]
    assert len({float(each.sum()) for each in weights}) == 3


def test_the_search_chooses_the_lowest_loss(capsys: Any) -> None:
    grid = {"decay": [0.5, 0.7, 0.9], "learning_rate": [0.0001, 0.03]}
    series, words = SERIES + X[:, :1, None], np.where(Y, "high", "low")
    model = make_pipeline(SeriesScaler(), clone(QUICK).set_params(updates=60))
    found = search(model, series, words, grid)
    assert found.best_score_ == max(found.cv_results_["mean_test_neg_log_loss"])
    best = found.best_estimator_[-1]
    assert (best.learning_rate, len(best.loss_curve_)) == (0.03, 60)
    assert "6 settings, in about " in capsys.readouterr().out
