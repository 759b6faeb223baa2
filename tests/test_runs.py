"""The record behind *What the search found*: its examples are apart, and its files are those of today."""

from pathlib import Path

import pandas as pd
import pytest

from evidence import runs
from evidence.tasks import TASKS, split

OFFLINE = ["Yin-Yang", "digits", "imbalanced table", "two cues, pause 20", "temporal order"]


@pytest.mark.parametrize("name", OFFLINE)
def test_examples_learn_or_validate_or_test(name: str) -> None:
    task = TASKS[name]()
    learn, valid = split(task.learn, task.y, test_size=0.25)
    parts = [*learn, *valid, *task.test]
    assert sorted(parts) == list(range(len(task.X)))
    assert set(task.y[learn]) == set(task.y[valid]) == set(task.y[task.test])


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
