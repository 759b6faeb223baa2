"""What the search found comes out again, and its runs learn from nothing that judges them."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import pandas as pd

from evidence import runs
from evidence.tasks import Task, divided, split
from spiking import SpikingClassifier

points = np.random.default_rng(0).normal(size=(60, 3))
FEATURES = divided("features", points, points[:, 0] > 0)


def changed(task: Task, places: Any) -> Task:
    """Other examples at these places."""
    inputs = task.X.copy()
    inputs[places] = 100.0 - inputs[places]
    return divided(task.kind, inputs, task.y)


def by_seed(task: Task, **given: Any) -> pd.DataFrame:
    model = runs.pipeline(task, **{"updates": 50, "neurons": 4} | given)
    return pd.DataFrame(runs.by_seed("grid", model, [{"width": 1.0}, {"width": 2.0}], task, 2))


def test_what_tests_chooses_nothing() -> None:
    """Not the setting, not the loss on validation data, not a scaler."""
    labels = FEATURES.y ^ np.isin(np.arange(60), FEATURES.test)
    other = replace(changed(FEATURES, FEATURES.test), y=labels)
    before, after = (runs.searched(task, updates=5, seeds=2) for task in (FEATURES, other))
    changes = {k for a, b in zip(before, after, strict=True) for k in b if a[k] != b[k]}
    assert {key[:5] for key in changes} == {"test "}


def test_what_validates_is_not_learned_from_and_what_tests_neither() -> None:
    _, valid = split(FEATURES.learn, FEATURES.y, test_size=0.25)
    before = by_seed(FEATURES)
    for places, part in [(valid, "test "), (FEATURES.test, "validation ")]:
        after = by_seed(changed(FEATURES, places))
        assert after.filter(like=part).equals(before.filter(like=part)), part
        assert not after.equals(before)


def test_seeds_differ_in_weights_and_in_batches() -> None:
    assert (by_seed(FEATURES, updates=0).filter(like="validation ").std(axis=1) > 0).all()

    @dataclass(eq=False, repr=False)
    class Same(SpikingClassifier):
        def initialize(self, key: Any, x: Any, class_weight: Any) -> Any:
            return super().initialize(jax.random.key(0), 0 * x + 1, class_weight)

    curves = [Same(random_state=seed, updates=3).fit(FEATURES.X, FEATURES.y) for seed in (0, 1)]
    assert curves[0].loss_curve_[0] != curves[1].loss_curve_[0]


def test_what_is_recorded_comes_out_again() -> None:
    """The search, what it chose, and the models beside it, on the task that takes least time."""
    assert runs.check("two moons") == []
