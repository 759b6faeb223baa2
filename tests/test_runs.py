"""The record behind *What the search found*: what is learned from is apart from what tests."""

import pytest

from evidence.tasks import TASKS, split

OFFLINE = ["Yin-Yang", "digits", "imbalanced table", "two cues, pause 20", "temporal order"]


@pytest.mark.parametrize("name", OFFLINE)
def test_examples_learn_or_validate_or_test(name: str) -> None:
    task = TASKS[name]()
    learn, valid = split(task.learn, task.y, test_size=0.25)
    parts = [*learn, *valid, *task.test]
    assert sorted(parts) == list(range(len(task.X)))
    assert set(task.y[learn]) == set(task.y[valid]) == set(task.y[task.test])
