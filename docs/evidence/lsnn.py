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


def by_area(pairs: pd.Series) -> pd.Series:
    """By width times peak, which no two pairs of this study share."""
    return pairs.set_axis(pairs.index.map(math.prod)).sort_index()


(ATTACHED, DETACHED), (CUES_ATTACHED, CUES_DETACHED) = (
    [by_area(OF_PAIRS[task, reset].map(np.mean)) for reset in ("attached", "detached")]
    for task in TASKS
)
SOON = by_area(LSNN.means("width", "peak", updates=100, task=ORDER, reset="attached", **OURS))
default, wide = ATTACHED[[0.3, 0.6]].map(round)
soon, wide_soon = SOON[[0.3, 0.6]].map(round)
CUT = LSNN.means("task", rise_attached=0.0, reset="attached", peak=0.3)
order_cut, cues_cut = CUT[list(TASKS)].map(round)
frozen_order, frozen_cues = (LSNN.percent(task=task, hidden="frozen") for task in TASKS)


def table() -> pd.DataFrame:
    """Accuracies in percent, by width, peak, task and reset."""
    return OF_PAIRS.map(mean_and_error).unstack(["task", "reset"])


def figure() -> None:
    """Accuracy over the area, for both tasks and resets."""
    _, panels = plt.subplots(2, 1, figsize=(5.5, 6), sharex=True, layout="constrained")
    for panel, task in zip(panels, TASKS, strict=True):
        for reset, color in (("attached", "C0"), ("detached", "C1")):
            of = by_area(OF_PAIRS[task, reset])
            means, errors = of.map(np.mean), of.map(error)
            panel.errorbar(of.index, means, errors, fmt="o-", color=color, label=reset)
        panel.set(xscale="log", title=task, ylabel="accuracy (%)", ylim=(20, 104))
        panel.set_xticks([0.1, 0.3, 1, 4], ["0.1", "0.3", "1", "4"])
        panel.minorticks_off()
        panel.axhline(25 if task == ORDER else 50, color="0.3", linestyle=":", linewidth=1)
    panels[1].set(xlabel="area: peak times width")
    panels[1].legend()


def test_the_default_learns_both_tasks_and_larger_areas_sooner() -> None:
    assert 85 < default < 92 < 98 < wide
    assert 85 < CUES_ATTACHED[0.3] < CUES_ATTACHED[0.6]
    assert wide_soon > soon + 10
    assert SOON[0.4:1.0].min() > soon + 3


def test_an_attached_reset_learns_at_areas_up_to_12_and_fails_from_2_on() -> None:
    assert ATTACHED[0.4:1.2].min() > 93 > ATTACHED[2.0] > 40 > ATTACHED[4.0]
    assert CUES_ATTACHED[0.2:1.2].min() > 86


def test_detached_only_a_peak_of_01_with_a_width_of_4_learns_temporal_order() -> None:
    others = DETACHED[:0.6].drop(0.4)
    assert DETACHED[0.4] > 94 > 80 > others.max()
    assert others.min() > 55 > DETACHED[1.0:].max()
    assert by_area(OF_PAIRS[ORDER, "detached"].map(np.ptp))[others.index].min() > 65  # seeds differ


def test_detached_the_peak_counts_more_than_the_width_and_large_areas_do_harm() -> None:
    for means in (DETACHED, CUES_DETACHED):
        assert means[1.2] > means[1.0] + 5  # at a width of 4, and at a peak of 1
        assert means[1.0:].max() < 75


def test_the_gradient_through_the_raised_threshold_is_needed() -> None:
    assert order_cut < default - 15
    assert cues_cut < CUES_ATTACHED[0.3] - 20


def test_the_hidden_weights_have_to_be_trained() -> None:
    assert frozen_order < 32
    assert frozen_cues < 65
