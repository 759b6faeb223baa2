"""What is computed from the record, on a small one made by hand."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from evidence import record
from evidence.record import BEST, EQUAL, WIDE, accuracies, ahead, best_simple, effects, errors, of

TESTED = pd.Series({"A": 96, "B": 20})
ROWS = [
    # task, model, neurons, validation, test of three seeds
    ("A", "network", 8, 0.7, 0.8, 0.9, 0.7),
    ("A", "linear model", None, 0.9, 0.6, None, None),
    ("A", "random forest", None, 0.8, 0.75, None, None),
    ("B", "network", 8, 0.7, 1.0, 1.0, 1.0),
    ("B", "linear model", None, 0.5, 0.9, None, None),
    ("B", "random forest", None, 0.6, 0.4, None, None),
]
COLUMNS = ["task", "model", "neurons", "validation", "test 0", "test 1", "test 2"]
SMALL = pd.DataFrame(ROWS, columns=COLUMNS)


def test_accuracies_are_means_over_seeds_in_percent() -> None:
    assert accuracies(SMALL)["network"].tolist() == pytest.approx([80, 100])


def test_errors_are_of_examples_and_seeds() -> None:
    """Of 96 examples, and four more of which two are right; the seeds' deviation is 0.1, then 0."""
    share, n = np.array([(0.8 * 96 + 2) / 100, 22 / 24]), np.array([100, 24])
    right = 100 * np.sqrt(share * (1 - share) / n + np.array([0.1, 0]) ** 2 / 3)
    assert errors(SMALL, TESTED)["network"].tolist() == pytest.approx(right)


def test_the_best_simple_model_is_chosen_on_validation_examples() -> None:
    """And not by its test accuracy."""
    assert best_simple(SMALL).to_dict() == {"A": "linear model", "B": "random forest"}
    assert of(accuracies(SMALL), best_simple(SMALL)).tolist() == pytest.approx([60, 40])


def test_ahead_is_a_difference_in_standard_errors() -> None:
    error = errors(SMALL, TESTED).loc["A"]
    apart = 20 / np.hypot(error["network"], error["linear model"])
    assert ahead(SMALL, TESTED, best_simple(SMALL))["A"] == pytest.approx(apart)
    assert ahead(SMALL, TESTED, "network", "linear model")["A"] == pytest.approx(-apart)


def test_an_effect_is_a_difference_and_clear_if_chance_is_rare(monkeypatch: Any) -> None:
    """By Welch's test, and the procedure of Benjamini and Hochberg over all comparisons."""
    rng = np.random.default_rng(46)  # with which the procedure matters
    values = {"as found": 0.0, "one": 0.5, "two": 0.03, "three": 0.0}
    tests = {m: 0.4 + v + rng.normal(0, 0.02, (2, 5)) for m, v in values.items()}
    frames = {m: pd.DataFrame(t, ["A", "B"]).add_prefix("test ") for m, t in tests.items()}
    table = pd.concat(frames, names=["model", "task"]).reset_index()
    names = {name: (name, "as found") for name in ["one", "two", "three"]}
    monkeypatch.setattr(record, "EFFECTS", names)
    added, clear = effects(table)
    pairs = [(tests[name][t], tests["as found"][t]) for name in names for t in range(2)]
    apart = [100 * (one.mean() - other.mean()) for one, other in pairs]
    np.testing.assert_allclose(added.to_numpy().ravel(), apart)
    chance = np.array([ttest_ind(*pair, equal_var=False).pvalue for pair in pairs])
    ranks = np.argsort(np.argsort(chance)) + 1
    bound = max(chance[chance <= 0.05 * ranks / len(pairs)])
    assert (clear.to_numpy().ravel() == (chance <= bound)).all()


def test_the_figure_shows_the_errors_of_each_model() -> None:
    record.figure_of_tasks()
    drawn = vars(plt.gca())["containers"]
    assert [one.get_label()[-5:] for one in drawn] == ["model", "found", "aults", " size", "urons"]
    for model, one in zip([BEST, "network", "defaults", EQUAL, WIDE], drawn, strict=True):
        ends = np.array(one.lines[2][0].get_segments())[:, :, 0]
        np.testing.assert_allclose(np.ptp(ends, axis=1) / 2, of(record.ERROR, model))
