"""Shape and half-width, where only the times of spikes tell the class."""

import matplotlib.pyplot as plt
import pandas as pd

from evidence.record import Record, ends

TIMES = Record("spike_times")
seeds = TIMES.seeds
SHAPES = ["triangle", "Gaussian", "arctan", "fast sigmoid", "rectangle"]
# Accuracies at a peak of 1, by updates, reset and shape, and by width, which is twice the half-width.
ALL = TIMES.means("updates", "reset", "shape", "width", hidden="trained", peak=1.0)
ALL = ALL.unstack("width").reorder_levels(["updates", "reset", "shape"]).sort_index()
BEST = ALL.max(axis=1)
FROZEN = TIMES.means("updates", hidden="frozen")

DEFAULT = TIMES.means("reset", hidden="trained", shape="triangle", peak=0.3, width=1.0)
by_default = round(DEFAULT.min(), 1)
frozen = round(FROZEN[500])
WIDE = ALL.loc[500, "attached"][3.2]
wide_sigmoid, wide_triangle = round(WIDE["fast sigmoid"]), round(WIDE["triangle"])
WIDEST = ALL.loc[500][10.0].unstack("shape").T
attached_low, attached_high = ends(WIDEST["attached"])
detached_low, detached_high = ends(WIDEST["detached"])


def table() -> pd.DataFrame:
    """Accuracies in percent at the best half-width, by shape, and by updates and reset."""
    cells = BEST.unstack(["updates", "reset"]).loc[SHAPES].round(1).rename_axis(None)
    return cells.set_axis([f"{updates}, {reset}" for updates, reset in cells], axis=1)


def figure() -> None:
    """Accuracies over the half-width, by updates, reset and shape."""
    whole, panels = plt.subplots(2, 2, figsize=(6, 5.6), sharey=True, layout="constrained")
    for row, updates in zip(panels, (100, 500), strict=True):
        for panel, reset in zip(row, ("attached", "detached"), strict=True):
            for shape, style in zip(SHAPES, ["-", ":", "-.", "--", (0, (1, 1))], strict=True):
                line = ALL.loc[(updates, reset, shape)]
                panel.plot(line.index / 2, line, linestyle=style, label=shape)
            panel.axhline(FROZEN[updates], color="gray", linewidth=1)
            panel.set(title=f"{updates} updates, {reset}", xscale="log", ylim=(0, 100))
            panel.set(xlabel="half-width $h$ (width $2h$)", ylabel="test accuracy (%)")
            panel.label_outer()
    whole.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=3)


def test_at_its_own_best_half_width_each_shape_ends_as_good_as_the_others() -> None:
    assert BEST[500].min() > 99
    assert BEST[100].max() - BEST[100].min() < 8


def test_the_half_width_matters_to_each_shape() -> None:
    assert (BEST - ALL.min(axis=1)).min() > 8


def test_the_best_half_width_depends_on_the_shape() -> None:
    best = ALL.loc[100].idxmax(axis=1).unstack("shape")
    assert best["fast sigmoid"].max() < 1 <= best["triangle"].min()
    assert wide_triangle > wide_sigmoid + 15


def test_choosing_the_peak_changes_little() -> None:
    peaks = [0.3, 1.0, 3.0]
    chosen = TIMES.means("updates", "reset", "shape", hidden="trained", peak=peaks)
    assert (chosen - BEST).abs().max() < 3


def test_a_wide_surrogate_does_worse_above_all_with_an_attached_reset() -> None:
    assert (WIDEST["attached"] < WIDEST["detached"]).all()
    assert detached_high < 95


def test_the_default_triangle_does_as_well_as_any() -> None:
    assert by_default > 99
