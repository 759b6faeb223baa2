"""The search and the models beside it: what they learn from, and that each number is what it is called."""

from dataclasses import dataclass
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
from tune import Frozen, controls, report, search, validation_scores

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), np.arange(60) % 3 // 2  # a third of them are of class 1
X[:, 0] += 2 * Y
NUMBER = X[:, 1] = np.arange(60) / 60  # tells the examples apart
SMALL: dict[str, Any] = {"neurons": 4, "layers": 1, "updates": 10, "batch_size": 10, "steps": 5}
SPLITS = list(StratifiedShuffleSplit(2, test_size=0.25, random_state=1).split(X, Y))


@dataclass(eq=False, repr=False)
class Watched(SpikingClassifier):
    """Notes with what it was trained."""

    fits: ClassVar[list[tuple[Any, ...]]] = []

    def fit(self, X: Any, y: Any) -> Any:
        self.fits.append((frozenset(X[:, 1]), self.updates, self.scale, self.random_state))
        return super().fit(X, y)


def test_the_search_trains_on_what_it_says_and_never_on_what_validates(capsys: Any) -> None:
    Watched.fits.clear()
    grid = {"scale": [0.5, 1.0, 2.0, 4.0]}
    found = search(Watched(**SMALL), X, Y, grid, updates=20, cv=SPLITS)
    learned, every = [frozenset(NUMBER[learn]) for learn, _ in SPLITS], frozenset(NUMBER)
    fits = Watched.fits[2:]  # after two that measure the time
    first = [(part, 6, scale) for part in learned for scale in grid["scale"]]
    assert sorted(map(str, first)) == sorted(str(fit[:3]) for fit in fits[:8])
    best = found.best_estimator_[-1].scale
    kept = {scale for _, _, scale, _ in fits[8:12]}
    assert len(kept) == 2
    assert best in kept
    assert sorted(str(fit[:2]) for fit in fits[8:12]) == sorted(str((p, 20)) for p in learned * 2)
    assert {*fits[12:]} == {(every, 20, best, seed) for seed in (0, 1, 2)}
    assert [one[-1].random_state for one in found.seeds_] == [0, 1, 2]
    assert "4 settings, in about " in capsys.readouterr().out


def test_labels_of_validation_examples_change_nothing_that_is_learned() -> None:
    _learn, valid = SPLITS[0]
    other = Y.copy()
    other[valid] = 1 - other[valid]
    given = {"grid": {"scale": [1.0]}, "cv": [SPLITS[0]]}
    scores = [search(Watched(**SMALL), X, y, **given).cv_results_ for y in (Y, other)]
    assert scores[0]["mean_train_neg_log_loss"] == scores[1]["mean_train_neg_log_loss"]
    total = scores[0]["mean_test_accuracy"] + scores[1]["mean_test_accuracy"]
    assert total == pytest.approx(1)  # each answer is right with one of two labels


@pytest.mark.parametrize("choose_by", ["neg_log_loss", "accuracy", "balanced_accuracy"])
def test_the_search_chooses_the_best(choose_by: str) -> None:
    grid = {"learning_rate": [1e-6, 0.05], "updates": [30]}
    found = search(SpikingClassifier(**SMALL), X, Y, grid, choose_by=choose_by, cv=SPLITS)
    scores = found.cv_results_[f"mean_test_{choose_by}"]
    assert found.best_score_ == scores.max()
    assert len(found.best_estimator_[-1].loss_curve_) == 30
    assert found.score(X, Y) == validation_scores(found, X, Y)[choose_by]


@dataclass(eq=False, repr=False)
class Told(SpikingClassifier):
    """Knows all classes. Up to a scale of 1, it is unsure; then sure, but wrong in one of ten."""

    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        example = np.rint(60 * X[:, 1]).astype(int)
        right = np.full(len(X), 0.6) if self.scale <= 1 else np.where(example % 10, 0.99, 0.4)
        return np.where(Y[example, None] == [0, 1], right[:, None], 1 - right[:, None])


def test_what_it_chooses_by_decides_in_the_first_round_too() -> None:
    for choose_by, best in [("accuracy", 1.0), ("neg_log_loss", 2.0)]:
        found = search(Told(), X, Y, {"scale": [1.0, 2.0, 2.1]}, choose_by=choose_by, cv=SPLITS)
        assert found.best_params_["told__scale"] == best


def test_the_accuracies_that_it_prints_are_those_of_the_setting_that_it_chose(capsys: Any) -> None:
    """And not the highest of all."""
    found = search(Told(), X, Y, {"scale": [0.8, 0.9, 1.0, 2.0]}, cv=SPLITS)
    train, valid = (found.cv_results_[f"mean_{part}_accuracy"] for part in ("train", "test"))
    best = found.best_index_
    assert f"training {train[best]:.0%}, validation {valid[best]:.0%}" in capsys.readouterr().out
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
    groups = np.arange(60) // 20
    Watched.fits.clear()
    for cv, message in [
        (list(GroupKFold(3).split(X, words, groups)), "no class rare to learn from: join it"),
        (GroupKFold(3), r"cv=list\(GroupKFold\(3\).split\(X, y, groups\)\)"),
        (StratifiedShuffleSplit(1, test_size=1), "join or leave out rare classes"),
    ]:
        with pytest.raises(ValueError, match=message):
            search(Watched(**SMALL), X, words, {"scale": [1.0]}, cv=cv)
    assert Watched.fits == []


def test_a_grid_may_hold_numbers_of_numpy_and_arrays(capsys: Any) -> None:
    """The lowest and the highest number are the edges of what was tried."""
    rates = np.array([2**-10, 0.5, 1.0], np.float32)
    grid = {"learning_rate": rates, "tau_max": [np.full(4, 9.0)]}
    search(SpikingClassifier(**SMALL), X, Y, grid, cv=SPLITS)
    assert "learning_rate=0.0009765625 is at the edge of what was tried" in capsys.readouterr().out


def test_a_network_that_answers_with_the_largest_class_has_learned_nothing(capsys: Any) -> None:
    """Though its accuracy is 90%: all examples are the same."""
    few = (np.arange(60) % 10 == 0).astype(int)
    search(SpikingClassifier(**SMALL), np.ones((60, 2)), few, {"learning_rate": [0.1]}, cv=SPLITS)
    assert "Nothing is learned" in capsys.readouterr().out


def test_what_was_trained_survives_an_error_in_the_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tune.advise", lambda *_: 1 / 0)
    with pytest.warns(UserWarning, match="no advice: ZeroDivisionError"):
        found = search(SpikingClassifier(**SMALL), X, Y, {"scale": [1.0]}, cv=SPLITS)
    assert found.predict(X).shape == Y.shape


def test_series_are_scaled_by_channel_before_they_are_rounded() -> None:
    series = RNG.normal(size=(30, 20, 3)) * [1, 5, 0.01] + [0, 1e8, 7]
    of_all = (series - series.mean((0, 1))) / series.std((0, 1))
    of_each = (series - series.mean(1)[:, None]) / series.std(1)[:, None]
    by_hand = np.concatenate([of_all, of_each], axis=2)
    scaler = SeriesScaler().fit(series)
    np.testing.assert_allclose(scaler.transform(series), by_hand, atol=1e-6)
    # Nothing is found out anew from other examples, such as those of a test.
    np.testing.assert_allclose(scaler.transform(series[:5]), by_hand[:5], atol=1e-6)
    with pytest.warns(UserWarning, match=r"fewer time steps .* X.swapaxes\(1, 2\)"):
        SeriesScaler().fit(series[:, :2])
    with pytest.raises(ValueError, match=r"X\[:, :, None\]"):
        SeriesScaler().fit(series[..., 0])
    with pytest.raises(ValueError, match="2 channels; in fit it had 3"):
        SeriesScaler().fit(series).transform(series[:, :, :2])


def test_a_frozen_network_stays_as_it_was_initialized() -> None:
    network = SpikingClassifier(**SMALL, random_state=3)
    frozen = Frozen(network).fit(X, Y)
    by_hand = SpikingClassifier(**SMALL | {"updates": 0}, random_state=3).fit(X, Y)
    w = by_hand.weights_
    (spikes,) = by_hand.hidden(w, X.astype(np.float32))
    features = (spikes.mean(0) - w["mean"]) / w["deviation"]
    np.testing.assert_allclose(frozen.transform(X), features, atol=1e-6)
    assert (Frozen(network).fit(X, 1 - Y).transform(X) == frozen.transform(X)).all()


def test_simpler_models_start_from_what_was_found() -> None:
    """With its scaling, its class weights and its number of neurons, and not from the first model."""
    model = make_pipeline(
        FunctionTransformer(np.tanh), SpikingClassifier(**SMALL, class_weight="balanced")
    )
    found = search(model, X, Y, {"neurons": [6], "adaptive": [0.25]}, cv=SPLITS)
    many, y = RNG.normal(0, 0.5, (300, 4)) + np.tile(X, (5, 1)), np.tile(Y, 5)
    models = controls(found, pd.DataFrame(many), y)  # whose time is estimated with 200
    scaler = StandardScaler().fit(np.tanh(many))
    linear = RidgeClassifierCV(np.logspace(-2, 4, 7), class_weight="balanced")
    linear.fit(scaler.transform(np.tanh(many)), y)
    by_hand = linear.decision_function(scaler.transform(np.tanh(X)))
    np.testing.assert_allclose(models["linear model"].decision_function(X), by_hand)
    assert (models["largest class"].predict(X) == 0).all()
    for neurons in (6, 96):
        frozen = models[f"frozen, {neurons} neurons"]["frozen"].network_
        assert frozen.loss_curve_ == []
        same = found.best_estimator_[-1].get_params() | {"neurons": neurons, "updates": 0}
        assert frozen.get_params() == same


def test_the_report_has_means_over_seeds_and_errors_of_examples_and_seeds() -> None:
    x, y = np.zeros((10, 1)), np.array(["a"] * 8 + ["b"] * 2)
    a, b = (DummyClassifier(strategy="constant", constant=name).fit(x, y) for name in "ab")
    seeds = DummyClassifier()
    seeds.seeds_ = [a, a, b]
    table = report({"once": a, "seeds": seeds}, x, y)
    # 8 and 2 more of 10 and 4 more: 10/14; then the mean of 0.8, 0.8 and 0.2, whose variance is 0.12
    assert table.loc["once"].tolist() == pytest.approx([0.8, (10 / 14 * 4 / 14 / 14) ** 0.5, 0.5])
    of_examples = 8 / 14 * 6 / 14 / 14
    assert table.loc["seeds"].tolist() == pytest.approx([0.6, (of_examples + 0.12 / 3) ** 0.5, 0.5])
