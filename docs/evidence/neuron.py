"""With which peak, width and reset one neuron learns exact spike times."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.record import Record

NEURON = Record("neuron")
seeds = NEURON.seeds
# How many neurons learn their spike times, by triangle, and by reset and updates.
SOLVED = NEURON.outcomes("peak", "width", "reset", "updates").map(np.count_nonzero)
SOLVED = SOLVED.unstack(["reset", "updates"]).sort_index(axis=1)
TRIANGLES = [f"peak {peak:g}, width {width:g}" for peak, width in SOLVED.index]
SOON, LATE = (SOLVED.xs(updates, level="updates", axis=1) for updates in (400, 2000))

EACH = NEURON.outcomes("peak", "width", "optimizer", "rate", "reset").map(np.count_nonzero)
GAIN = EACH.xs("attached", level="reset") - EACH.xs("detached", level="reset")
ahead, behind, settings = sum(GAIN > 0), sum(GAIN < 0), len(GAIN)


def table() -> pd.DataFrame:
    """Successful neurons by peak and width, and by reset and updates."""
    columns = [f"{reset}, {updates}" for reset, updates in SOLVED]
    return SOLVED.set_axis(TRIANGLES).set_axis(columns, axis=1)


def figure() -> None:
    """The same as bars."""
    whole, panels = plt.subplots(1, 2, figsize=(6, 3.6), sharey=True, layout="constrained")
    for panel, of, updates in zip(panels, (SOON, LATE), (400, 2000), strict=True):
        for shift, reset in ((-0.2, "attached"), (0.2, "detached")):
            panel.barh(np.arange(len(of)) + shift, of[reset], 0.4, label=reset)
        panel.set(title=f"{updates} updates", xlabel=f"successful, of {seeds}", xlim=(0, seeds))
    panels[0].set_yticks(range(len(TRIANGLES)), TRIANGLES)
    panels[0].invert_yaxis()
    whole.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)


def test_a_neuron_learns_soonest_attached_and_with_a_wide_triangle() -> None:
    attached = SOON["attached"]
    assert (attached > 2 * SOON["detached"]).all()
    assert attached[0.3, 1.0] < min(attached[0.3, 2.0], attached[0.3, 4.0])
    assert attached[1.0, 1.0] < attached[1.0, 4.0]


def test_in_the_end_a_width_of_2_makes_up_for_a_detached_reset() -> None:
    gap = LATE["attached"] - LATE["detached"]
    assert gap.drop([0.5, 1.0], level="width").max() <= 4
    assert LATE.loc[(0.3, 1.0)].max() < LATE.loc[(0.3, 2.0), "detached"]


def test_a_detached_reset_catches_up_with_tuned_settings_and_adam_alone() -> None:
    assert ahead > 4 * behind
    best = EACH.groupby(["optimizer", "reset"]).max()
    assert abs(best["Adam", "attached"] - best["Adam", "detached"]) <= 1
    assert best["SGD", "attached"] > best["SGD", "detached"] + 10
