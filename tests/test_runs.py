"""The runs behind *What the search found* learn from nothing that judges them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

from evidence import runs
from evidence.tasks import TASKS, Task, divided, split
from spiking import SpikingClassifier

rng = np.random.default_rng(0)
points = rng.normal(size=(60, 3))
FEATURES = divided("features", points, points[:, 0] > 0)
OFFLINE = ["Yin-Yang", "digits", "imbalanced table", "two cues, pause 20", "temporal order"]


def changed(task: Task, places: Any) -> Task:
    """Other examples at these places."""
    inputs = task.X.copy()
    inputs[places] = 100.0 - inputs[places]
    return divided(task.kind, inputs, task.y)


def by_seed(task: Task, **given: Any) -> pd.DataFrame:
    model = runs.pipeline(task, **{"updates": 50, "neurons": 4} | given)
    return pd.DataFrame(runs.by_seed("grid", model, [{"width": 1.0}, {"width": 2.0}], task, 2))


@pytest.mark.parametrize("name", OFFLINE)
def test_examples_learn_or_validate_or_test(name: str) -> None:
    task = TASKS[name]()
    learn, valid = split(task.learn, task.y, test_size=0.25)
    parts = [*learn, *valid, *task.test]
    assert sorted(parts) == list(range(len(task.X)))
    assert set(task.y[learn]) == set(task.y[valid]) == set(task.y[task.test])


def test_what_tests_chooses_nothing() -> None:
    """Not the setting, not the loss on validation data, not a scaler."""
    labels = FEATURES.y ^ np.isin(np.arange(60), FEATURES.test)
    other = replace(changed(FEATURES, FEATURES.test), y=labels)
    before, after = (runs.searched(task, updates=5, seeds=2) for task in (FEATURES, other))
    pairs = zip(before, after, strict=True)
    different = {key for then, now in pairs for key in now if then[key] != now[key]}
    assert {key[:5] for key in different} == {"test "}


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


def test_a_weight_of_a_task_or_a_width_changes_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, hashes = runs.FILES, {runs.files_hash()}
    monkeypatch.setattr(runs, "FILES", [tmp_path / file.name for file in files])
    for old in ["", "weights=[0.9]", "width: float = 1.0", "learning_rate"]:
        for file in files:
            (tmp_path / file.name).write_text(file.read_text("utf-8").replace(old, old and "0"))
        hashes.add(runs.files_hash())
    assert len(hashes) == 4


def test_the_record_is_of_these_files_and_has_all_tasks_with_two_versions_of_jax() -> None:
    table = pd.read_csv(runs.FILE)
    current = table[table["files"] == runs.files_hash()].groupby("jax")["task"].agg(set)
    done = [jax for jax, tasks in current.items() if tasks == {*TASKS}]
    assert len(done) == 2, f"recorded with {done}; to mend it: nox -s experiments -- record"
