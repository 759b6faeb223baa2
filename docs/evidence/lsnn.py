"""Which peak, width and gradient paths an LSNN needs."""

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.record import Record, error, mean_and_error

LSNN = Record("lsnn")
seeds = LSNN.seeds
TASKS = ORDER, CUES = "temporal order", "accumulated cues"
OURS: dict[str, Any] = {"hidden": "trained", "shape": "triangle", "rise_attached": 1.0}
OF_PAIRS = LSNN.outcomes("task", "reset", "width", "peak", **OURS)
(ATTACHED, DETACHED), (CUES_ATTACHED, CUES_DETACHED) = (
    [OF_PAIRS[task, reset].map(np.mean) for reset in ("attached", "detached")] for task in TASKS
)
SOON = LSNN.means("width", "peak", updates=100, task=ORDER, reset="attached", **OURS)
default, wide = (round(ATTACHED[width, 0.3]) for width in (1.0, 2.0))
soon, wide_soon = (round(SOON[width, 0.3]) for width in (1.0, 2.0))
CUT = LSNN.means("task", rise_attached=0.0, reset="attached", peak=0.3)
order_cut, cues_cut = CUT[list(TASKS)].round().astype(int)
frozen_order, frozen_cues = (LSNN.percent(task=task, hidden="frozen") for task in TASKS)


def table() -> pd.DataFrame:
    """Accuracies in percent, by width, peak, task and reset."""
    return OF_PAIRS.map(mean_and_error).unstack(["task", "reset"])


def figure() -> None:
    """Accuracy over the area, for both tasks and resets."""
    _, panels = plt.subplots(2, 1, figsize=(5.5, 6), sharex=True, layout="constrained")
    for panel, task in zip(panels, TASKS, strict=True):
        for reset, color in (("attached", "C0"), ("detached", "C1")):
            means, errors = (OF_PAIRS[task, reset].map(of) for of in (np.mean, error))
            areas = means.index.map(math.prod)
            panel.errorbar(areas, means, errors, fmt="o", color=color, label=reset)
            panel.plot(means.groupby(areas).mean(), color)
        panel.set(xscale="log", title=task, ylabel="accuracy (%)", ylim=(20, 104))
        panel.set_xticks([0.1, 0.3, 1, 4], ["0.1", "0.3", "1", "4"])
        panel.minorticks_off()
        panel.axhline(25 if task == ORDER else 50, color="0.3", linestyle=":", linewidth=1)
    panels[1].set(xlabel="area: peak times width")
    panels[1].legend()


def at_areas(low: float, high: float, means: pd.Series) -> pd.Series:
    """Of the pairs whose area, peak times width, is between these."""
    areas = means.index.map(math.prod)
    return means[(low <= areas) & (areas <= high)]


def test_the_default_learns_both_tasks_and_larger_areas_sooner() -> None:
    assert 85 < default < 92 < 98 < wide
    assert 85 < CUES_ATTACHED[1.0, 0.3] < CUES_ATTACHED[2.0, 0.3]
    assert wide_soon > soon + 10
    assert at_areas(0.4, 1, SOON).min() > soon + 3


def test_an_attached_reset_learns_at_areas_up_to_12_and_fails_from_2_on() -> None:
    assert at_areas(0.4, 1.2, ATTACHED).min() > 93
    assert at_areas(0.2, 1.2, CUES_ATTACHED).min() > 86
    assert at_areas(4, 4, ATTACHED).item() < 40 < at_areas(2, 2, ATTACHED).item() < 93


def test_detached_only_a_peak_of_01_with_a_width_of_4_learns_temporal_order() -> None:
    assert DETACHED[4.0, 0.1] > 94
    others = at_areas(0, 0.6, DETACHED).drop((4.0, 0.1))
    assert 55 < others.min() < others.max() < 80
    assert OF_PAIRS[ORDER, "detached"][others.index].map(np.ptp).min() > 65  # over the seeds
    assert at_areas(1, 4, DETACHED).max() < others.min()


def test_detached_the_peak_counts_more_than_the_width_and_large_areas_do_harm() -> None:
    assert DETACHED[4.0, 0.3] > DETACHED[1.0, 1.0] + 5
    assert CUES_DETACHED[4.0, 0.3] > CUES_DETACHED[1.0, 1.0] + 5
    assert at_areas(1, 4, CUES_DETACHED).max() < 75


def test_the_gradient_through_the_raised_threshold_is_needed() -> None:
    assert order_cut < default - 15
    assert cues_cut < CUES_ATTACHED[1.0, 0.3] - 20


def test_the_hidden_weights_have_to_be_trained() -> None:
    assert frozen_order < 32
    assert frozen_cues < 65
