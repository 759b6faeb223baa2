"""The tasks that pages train on, and what is recorded of them."""

import numpy as np
import pytest

import comparisons
import tasks
from evidence.comparisons import RECORD


def test_in_2_back_the_last_symbol_repeats_the_one_two_before_or_not() -> None:
    inputs, same = tasks.two_back(np.random.default_rng(0), 200)
    pulses = inputs.reshape(8, 8, 200, 4)[:, 2:6].sum(axis=1)
    symbols = pulses.argmax(axis=2)
    assert (pulses.max(axis=2) > 3).all()
    assert ((symbols[-1] == symbols[-3]) == same).all()
    assert abs(same.mean() - 0.5) < 0.1


def test_in_lag_patterns_channel_1_follows_channel_0_by_the_lag() -> None:
    spikes, labels = tasks.lags(np.random.default_rng(0), 400)
    for label in range(4):
        first, second = spikes[:, labels == label, :2].transpose(2, 0, 1)
        together = [(first[: 80 - lag] * second[lag:]).mean() for lag in range(1, 16)]
        assert np.argmax(together) + 1 == 3 * (label + 1)


@pytest.mark.parametrize("pause", [0, 150])
def test_in_match_the_probe_comes_after_the_pause(pause: int) -> None:
    trials, _ = tasks.match(np.random.default_rng(0), 100, pause=pause)
    marked = trials[:, :, 4] > 0.5
    last = len(marked) - 1 - marked[::-1].argmax(axis=0)
    assert marked.sum(axis=0).tolist() == [10] * 100
    assert ((last - marked.argmax(axis=0)) > pause + 32).all()


@pytest.mark.parametrize("name", comparisons.COMPARISONS)
def test_each_comparison_is_recorded_on_five_draws(name: str) -> None:
    _, models = comparisons.COMPARISONS[name]
    assert [*RECORD[name]] == [*models]
    assert {len(draws) for draws in RECORD[name].values()} == {comparisons.DRAWS}
