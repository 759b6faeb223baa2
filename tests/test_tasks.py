"""The tasks of *Results on 23 tasks*: each is what its authors describe, and its test examples are apart."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from evidence.tasks import TASKS, divided, randman, split, two_cues

OFFLINE = ["Yin-Yang", "digits", "imbalanced table", "two cues, pause 20", "temporal order"]


@pytest.mark.parametrize("name", OFFLINE)
def test_examples_learn_or_validate_or_test(name: str) -> None:
    task = TASKS[name]()
    learn, valid = split(task.learn, task.y, test_size=0.25)
    assert sorted([*learn, *valid, *task.test]) == [*range(len(task.X))]
    assert set(task.y[learn]) == set(task.y[valid]) == set(task.y[task.test])


def test_a_task_is_divided_as_its_makers_did_or_four_to_one() -> None:
    X, y = np.zeros((50, 1)), np.arange(50) % 2
    theirs, ours = divided("features", X, y, 30), divided("features", X, y)
    assert theirs.learn.tolist() == [*range(30)]
    assert [*np.bincount(y[ours.learn]), *np.bincount(y[ours.test])] == [20, 20, 5, 5]


def test_yin_and_yang_are_a_disk_with_two_lobes_and_two_dots() -> None:
    task = TASKS["Yin-Yang"]()
    x, y = task.X[:, :2].T
    left, right = np.hypot(x - 0.25, y - 0.5), np.hypot(x - 0.75, y - 0.5)
    assert (np.hypot(x - 0.5, y - 0.5) <= 0.5).all()
    np.testing.assert_allclose(task.X[:, 2:], 1 - task.X[:, :2], atol=1e-6)
    dots, outside = np.minimum(left, right) < 0.1, np.minimum(left, right) > 0.25
    yin = (outside & (y > 0.5)) | ((left > 0.1) & (left < 0.25))
    for label, area in enumerate([yin, ~yin & ~dots, dots]):
        assert (task.y[area] == label).mean() > 0.999  # 1: but for points on an edge
    assert np.bincount(task.y).tolist() == [2000, 2000, 2000]
    assert len(np.unique(task.X, axis=0)) == 6000  # none of those that test is learned from


def test_rows_of_digits_come_one_after_the_other_each_twice() -> None:
    X, pixels = TASKS["digits, row by row"]().X, load_digits(return_X_y=True)[0]
    assert (X.reshape(-1, 8, 2, 8) == pixels.reshape(-1, 8, 1, 8)).all()


def test_random_manifolds_are_sums_of_sines() -> None:
    """The first channel of the first class, summed in 64 bits: of a product over dimensions."""
    task, rng = randman(2), np.random.default_rng(0)
    at = rng.random((2, 300, 1), np.float32)[..., 0]
    size, pace, phase = rng.random((3, 2, 1, 1000), np.float32).astype(float)[:, :, 0]
    n, curve = np.arange(1000), np.ones(300)
    for d in range(2):
        angles = 2 * np.pi * (n * pace[d] * at[d, :, None] + phase[d])
        curve *= (size[d] / (n + 1) * np.sin(angles)).sum(axis=1)
    steps = np.floor(100 * (curve - curve.min()) / (curve.max() - curve.min()))
    assert (np.abs(task.X[:300, :, 0].argmax(axis=1) - steps) <= 1).all()
    assert (task.X.sum(axis=1) == 1).all()
    assert task.y.tolist() == np.repeat(range(10), 300).tolist()


@pytest.mark.parametrize("pause", [20, 80])
def test_two_cues_are_a_pause_apart_and_the_class_is_whether_they_agree(pause: int) -> None:
    task = two_cues(pause)
    first, second = task.X[:, :4], task.X[:, 4 + pause : 8 + pause]
    agree = first.mean(1).argmax(1) == second.mean(1).argmax(1)
    assert (task.y == agree).all()
    assert 0.45 < agree.mean() < 0.55
    rest = np.delete(task.X, [*range(4), *range(4 + pause, 8 + pause)], axis=1)
    assert rest.shape == (1000, pause + 4, 2)
    sizes = [rest.std(), first.max(2).mean(), second.max(2).mean()]
    assert sizes == pytest.approx([0.1, 1, 1], abs=0.01)


def test_temporal_order_is_the_order_of_two_symbols_among_fifty() -> None:
    task = TASKS["temporal order"]()
    symbols = task.X.argmax(axis=2)
    assert task.X.shape == (1000, 50, 6)
    assert (task.X.sum(axis=2) == 1).all()
    for row, label in zip(symbols, task.y, strict=True):
        (early, late) = np.flatnonzero(row < 2)
        assert (early in range(4, 10), late in range(22, 28)) == (True, True)
        assert label == 2 * row[early] + row[late]


def test_the_side_with_more_of_seven_cues_is_the_class() -> None:
    """A cue has three steps of a higher rate in one of two groups of five; noise is all the time."""
    task = TASKS["accumulated cues"]()
    groups = task.X.reshape(1000, 60, 3, 5).mean(axis=3)
    cues = groups[:, :35].reshape(1000, 7, 5, 3)
    sides = cues[:, :, :3, 0].sum(2) > cues[:, :, :3, 1].sum(2)
    assert ((sides.sum(axis=1) > 3) == task.y).mean() > 0.95
    low, noise, high = cues[:, :, 3:, :2], groups[..., 2], cues[:, :, :3, :2].sum(axis=3)
    assert [low.mean(), noise.mean(), high.mean()] == pytest.approx([0.02, 0.1, 0.44], abs=0.005)
