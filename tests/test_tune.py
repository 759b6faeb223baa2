"""The search and the models beside it: what they learn from, and that each number is what it is called."""

from itertools import product
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GroupKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from inputs import SeriesScaler
from spiking import SpikingClassifier
from tune import Frozen, controls, report, search, sums, validation_scores

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), np.arange(60) % 3 // 2  # a third of them are of class 1
X[:, 0] += 2 * Y
NUMBER = X[:, 1] = np.arange(60) / 60  # tells the examples apart
SMALL: dict[str, Any] = {"neurons": 4, "layers": 1, "updates": 10, "batch_size": 10, "steps": 5}
SPLITS = list(StratifiedShuffleSplit(2, test_size=0.25, random_state=1).split(X, Y))


class Watched(SpikingClassifier):
    """Notes with what it was trained."""

    fits: ClassVar[list[tuple[Any, ...]]] = []

    def fit(self, X: Any, y: Any) -> Any:
        self.fits.append((frozenset(X[:, 1]), self.updates, self.scale, self.random_state))
        return super().fit(X, y)


def test_the_search_trains_on_what_it_says_and_never_on_what_validates() -> None:
    Watched.fits.clear()
    grid = {"scale": [0.5, 1.0, 2.0, 4.0]}
    found = search(Watched(**SMALL), X, Y, grid, updates=20, cv=SPLITS)
    learned, every = [frozenset(NUMBER[learn]) for learn, _ in SPLITS], frozenset(NUMBER)
    fits = Watched.fits[2:]  # after two that measure the time
    assert {fit[:3] for fit in fits[:8]} == {*product(learned, [6], grid["scale"])}
    best, kept = found.best_estimator_[-1].scale, {fit[2] for fit in fits[8:12]}
    assert {fit[:3] for fit in fits[8:12]} == {*product(learned, [20], kept)}
    assert (len(kept), best in kept) == (2, True)
    assert {*fits[12:]} == {(every, 20, best, seed) for seed in (0, 1, 2)}
    assert [one[-1].random_state for one in found.seeds_] == [0, 1, 2]


def test_labels_of_validation_examples_change_nothing_that_is_learned() -> None:
    other = Y ^ np.isin(np.arange(60), SPLITS[0][1])
    given = {"grid": {"scale": [1.0]}, "cv": [SPLITS[0]], "updates": 7}
    first, second = (search(Watched(**SMALL), X, y, **given).cv_results_ for y in (Y, other))
    assert {fit[1] for fit in Watched.fits[-10:]} == {7, 50}  # and none with 30% of 7
    assert first["mean_train_neg_log_loss"] == second["mean_train_neg_log_loss"]
    # Each answer is right with one of two labels.
    assert first["mean_test_accuracy"] + second["mean_test_accuracy"] == pytest.approx(1)


class Told(SpikingClassifier):
    """Knows all classes. Up to a scale of 1, it is unsure; then sure, but wrong in one of seven."""

    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        example = np.rint(60 * X[:, 1]).astype(int)
        right = np.full(len(X), 0.6) if self.scale <= 1 else np.where(example % 7, 0.99, 0.4)
        return np.where(Y[example, None] == [0, 1], right[:, None], 1 - right[:, None])


def test_the_search_chooses_the_best_and_scores_by_the_same() -> None:
    """Also in the first round, after which two of four settings are left."""
    grid = {"scale": [1.0, 2.0, 2.1, 2.2], "updates": [30]}
    for choose_by, best in [("accuracy", 1.0), ("balanced_accuracy", 1.0), ("neg_log_loss", 2.0)]:
        found = search(Told(), X, Y, grid, choose_by=choose_by, cv=SPLITS)
        assert found.best_params_ == {"told__scale": best, "told__updates": 30}
        other = np.sort(Y)  # in which the three scores differ
        assert found.score(X, other) == validation_scores(found, X, other)[choose_by]


@pytest.mark.parametrize(("neurons", "first"), [(127, "neurons=128, then "), (128, "")])
def test_what_is_printed_is_of_what_was_chosen(neurons: int, first: str, capsys: Any) -> None:
    """And not of the setting with the highest accuracy. It advises what the runs have tried."""
    found = search(Told(neurons=neurons), X, Y, {"scale": [0.8, 0.9, 1.0, 2.0]}, cv=SPLITS)
    train, valid = (found.cv_results_[f"mean_{part}_accuracy"] for part in ("train", "test"))
    best, loss = found.best_index_, -found.best_score_
    said = f"training {train[best]:.0%}, validation {valid[best]:.0%} (loss {loss:.2f})"
    assert f"{said}\nIt underfits: try {first}updates=1500.\n" in capsys.readouterr().out
    assert (train[best], valid[best]) < (train.max(), valid.max()) == (1, 1)


def test_what_is_measured_is_what_scikit_learn_measures() -> None:
    """Also where a class is missing from the validation data, and with classes of unequal size."""
    y = np.arange(60) % 12 // 5
    model, some = LogisticRegression().fit(X, y), y != 1
    scores = validation_scores(model, X[some], y[some])
    answers, p = model.predict(X[some]), model.predict_proba(X[some])
    recalls = [(answers[y[some] == label] == label).mean() for label in (0, 2)]
    assert scores["accuracy"] == accuracy_score(y[some], answers) != scores["balanced_accuracy"]
    assert scores["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert scores["neg_log_loss"] == -log_loss(y[some], p, labels=[0, 1, 2])


def test_a_class_without_training_examples_is_named_before_anything_is_trained() -> None:
    words = np.array(["common", "rare"])[(np.arange(60) > 55).astype(int)]
    Watched.fits.clear()
    for cv, message in [
        (list(GroupKFold(3).split(X, words, np.arange(60) // 20)), "no class rare .*: join it"),
        (GroupKFold(3), r"leave out rare .* cv=list\(GroupKFold\(3\).split\(X, y, groups\)\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            search(Watched(**SMALL), X, words, {"scale": [1.0]}, cv=cv)
    assert Watched.fits == []


def test_a_network_that_answers_with_the_largest_class_has_learned_nothing(capsys: Any) -> None:
    """All examples are the same: answers with the largest class are right in 90%.

    A grid may hold numbers of NumPy and arrays.
    """
    few = (np.arange(60) % 10 == 0).astype(int)
    grid = {"learning_rate": np.array([2**-10, 0.5, 1.0], np.float32), "tau_max": [np.full(4, 9.0)]}
    search(SpikingClassifier(**SMALL), np.ones((60, 2)), few, grid, cv=SPLITS)
    assert "Nothing is learned" in capsys.readouterr().out


def test_what_was_trained_survives_an_error_in_the_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error on validation data, such as a category that a fold lacks, ends the search."""
    monkeypatch.setattr("tune.advise", lambda *_: 1 / 0)
    with pytest.warns(UserWarning, match="no advice: ZeroDivisionError"):
        found = search(SpikingClassifier(**SMALL), X, Y, {"scale": [1.0]}, cv=SPLITS)
    assert found.predict(X).shape == Y.shape
    monkeypatch.setattr(Told, "predict_proba", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        search(Told(), X, Y, {"scale": [1.0, 2.0]}, cv=SPLITS)


def test_series_are_scaled_by_channel_before_they_are_rounded() -> None:
    series = RNG.normal(size=(30, 20, 3)) * [1, 5, 0.01] + [0, 1e8, 7]
    of_all = (series - series.mean((0, 1))) / series.std((0, 1))
    of_each = (series - series.mean(1)[:, None]) / series.std(1)[:, None]
    by_hand = np.concatenate([of_all, of_each], axis=2)
    scaler = SeriesScaler().fit(series)
    # Nothing is found out anew from other examples, such as those of a test.
    np.testing.assert_allclose(scaler.transform(series[:5]), by_hand[:5], atol=1e-6)
    with pytest.warns(UserWarning, match=r"fewer time steps .* X.swapaxes\(1, 2\)"):
        SeriesScaler().fit(series[:, :2])
    with pytest.raises(ValueError, match=r"X\[:, :, None\]"):
        SeriesScaler().fit(series[..., 0])
    with pytest.raises(ValueError, match="2 channels; in fit it had 3"):
        scaler.transform(series[:, :, :2])


def test_a_frozen_network_stays_as_it_was_initialized_whatever_the_labels() -> None:
    frozen = Frozen(SpikingClassifier(**SMALL, random_state=3)).fit(X, Y)
    untrained = SpikingClassifier(**SMALL | {"updates": 0}, random_state=3).fit(X, 1 - Y)
    assert (frozen.transform(X) == untrained._apply("features", X)).all()


def test_simpler_models_start_from_what_was_found() -> None:
    """With its scaling, its class weights and its number of neurons, and not from the first model."""
    network = SpikingClassifier(**SMALL, class_weight="balanced")
    model = make_pipeline(FunctionTransformer(np.tanh), network)
    found = search(model, X, Y, {"neurons": [6], "adaptive": [0.25]}, cv=SPLITS)
    many, y = RNG.normal(0, 0.5, (300, 4)) + np.tile(X, (5, 1)), np.tile(Y, 5)
    models = controls(found, pd.DataFrame(many), y)  # whose time is estimated with 200
    linear = RidgeClassifierCV(np.logspace(-2, 4, 7), class_weight="balanced")
    by_hand = make_pipeline(StandardScaler(), linear).fit(np.tanh(many), y)
    right = by_hand.decision_function(np.tanh(X))
    np.testing.assert_allclose(models["linear model"].decision_function(X), right)
    assert (models["largest class"].predict(X) == 0).all()
    assert models["random forest"][-1].class_weight == "balanced"
    assert sums(np.arange(12).reshape(1, 3, 4)).tolist() == [[12, 15, 18, 21]]  # of each channel
    for neurons in (6, 96):
        frozen = models[f"frozen, {neurons} neurons"]["frozen"].network_
        same = found.best_estimator_[-1].get_params() | {"neurons": neurons, "updates": 0}
        assert frozen.get_params() == same


def test_the_report_has_means_over_seeds_and_errors_of_examples_and_seeds() -> None:
    x, y = np.zeros((10, 1)), np.array(["a"] * 8 + ["b"] * 2)
    a, b = (DummyClassifier(strategy="constant", constant=name).fit(x, y) for name in "ab")
    seeds = DummyClassifier()
    seeds.seeds_ = [a, a, b]
    table = report({"once": a, "seeds": seeds}, x, y)
    # 8 and 2 more of 10 and 4 more: 10/14; then the mean of 0.8, 0.8 and 0.2, whose variance is 0.12
    assert table.loc["once"].tolist() == pytest.approx([0.8, (10 * 4 / 14**3) ** 0.5, 0.5])
    error = (8 * 6 / 14**3 + 0.12 / 3) ** 0.5
    assert table.loc["seeds"].tolist() == pytest.approx([0.6, error, 0.5])
