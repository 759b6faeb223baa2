"""Which peak, width, reset and gradient paths a layer needs that has to remember."""

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.record import Record, mean_and_error

LSNN, PARTS, CUES = map(Record, ("lsnn", "lsnn_parts", "two_cues"))
seeds, seeds_cues = LSNN.seeds, CUES.seeds
ORDER, SUM = "temporal order", "accumulated cues"
BY, LAYERS = ["reset", "width", "peak"], ["adaptive", "recurrent"]
TASKS = [ORDER, SUM, *map("two cues, {}".format, LAYERS)]
TRAINED: dict[str, Any] = {"hidden": "trained", "rise_attached": 1.0}
OF_CUES = CUES.outcomes("layer", *BY, layer=LAYERS, optimizer="Adam", **TRAINED)
OF_TASKS = pd.concat(
    [LSNN.outcomes("task", *BY, **TRAINED), OF_CUES.rename("two cues, {}".format, level="layer")]
).rename_axis(["task", *BY])
MEANS = OF_TASKS.map(np.mean).sort_index()


def by_area(pairs: pd.Series) -> pd.Series:
    """By width times peak, which no two pairs of a task share."""
    return pairs.set_axis(pairs.index.map(math.prod)).sort_index()


(ATTACHED, DETACHED), (SUM_ATTACHED, SUM_DETACHED) = (
    [by_area(MEANS[task, reset]) for reset in ("attached", "detached")] for task in (ORDER, SUM)
)
ADAPTIVE, RECURRENT = (MEANS[f"two cues, {layer}"].unstack() for layer in LAYERS)
SOON = by_area(LSNN.means("width", "peak", updates=100, task=ORDER, reset="attached", **TRAINED))
default, wide = ATTACHED[[0.3, 0.6]].map(round)
soon, wide_soon = SOON[[0.3, 0.6]].map(round)
CUT = LSNN.means("task", rise_attached=0.0, reset="attached", peak=0.3)
order_cut, sum_cut = CUT[[ORDER, SUM]].map(round)

adaptive_one = round(ADAPTIVE.loc[("detached", 1.0), 1.0])
adaptive_frozen, _, synaptic_frozen = CUES.means("layer", hidden="frozen").map(round)
OTHERS = CUES.means("layer", layer=["lif", "synaptic"], peak=0.3, hidden="trained")
lif, synaptic = OTHERS.map(round)


def table() -> pd.DataFrame:
    """Accuracies in percent, by task, reset, width and peak, up to a peak of 1."""
    cells = OF_TASKS.map(mean_and_error).unstack().drop(columns=3.0)
    return cells.reindex(TASKS, level="task").rename("{:g}".format, level="width")


def table_of_parts() -> pd.DataFrame:
    """Accuracies in percent of an LSNN and of its parts alone, by task and width."""
    cells = PARTS.outcomes("task", "width", "layer").map(mean_and_error).unstack()
    cells = cells[["LSNN", "recurrent", "adaptive"]].rename("{:g}".format, level="width")
    return cells.rename(columns={"recurrent": "only recurrent", "adaptive": "only adaptive"})


def figure() -> None:
    """Accuracy over the area, for each task, reset and width."""
    whole, panels = plt.subplots(
        2, 2, figsize=(6, 6), sharex=True, sharey=True, layout="constrained"
    )
    for panel, task in zip(panels.flat, TASKS, strict=True):
        for (reset, width), of in MEANS[task].groupby(["reset", "width"]):
            style = {1.0: "o-", 2.0: "s--", 4.0: "^:"}[width]
            color = "C0" if reset == "attached" else "C1"
            area = width * of.index.get_level_values("peak")
            panel.plot(area, of, color + style, ms=4, label=f"{reset}, width {width:g}")
        panel.set(title=task, xscale="log", ylim=(20, 104))
        panel.set_xticks([0.1, 0.3, 1, 4], ["0.1", "0.3", "1", "4"])
        panel.minorticks_off()
        panel.axhline(25 if task == ORDER else 50, color="0.3", linestyle=":", linewidth=1)
    for panel in panels[1]:
        panel.set(xlabel="area: peak times width")
    whole.supylabel("accuracy (%)", fontsize="medium")
    handles = panels[0, 0].get_legend_handles_labels()
    whole.legend(*handles, loc="outside lower center", ncols=2)


def test_the_default_learns_both_tasks_of_the_lsnn_and_larger_areas_sooner() -> None:
    assert 85 < default < 92 < 98 < wide
    assert 85 < SUM_ATTACHED[0.3] < SUM_ATTACHED[0.6]
    assert wide_soon > soon + 10
    assert SOON[0.4:1.0].min() > soon + 3


def test_an_attached_reset_learns_at_areas_up_to_12_and_fails_from_2_on() -> None:
    assert ATTACHED[0.4:1.2].min() > 93 > ATTACHED[2.0] > 40 > ATTACHED[4.0]
    assert SUM_ATTACHED[0.2:1.2].min() > 84


def test_detached_a_peak_of_01_with_a_width_of_4_has_the_highest_mean_on_temporal_order() -> None:
    assert DETACHED[0.4] > 88 > 85 > DETACHED.drop(0.4).max()


def test_detached_large_areas_do_more_harm() -> None:
    assert DETACHED[1.0:].max() < 62 < 90 < ATTACHED[1.0:2.0].min()
    assert SUM_DETACHED[1.0:].max() + 2 < SUM_ATTACHED[1.0:2.0].min()


def test_the_gradient_through_the_raised_threshold_is_needed() -> None:
    assert order_cut < default - 15
    assert sum_cut < SUM_ATTACHED[0.3] - 20


def test_an_lsnn_needs_its_recurrent_weights_and_hardly_its_adaptive_thresholds() -> None:
    means = PARTS.means("task", "width", "layer").unstack()
    assert (means["LSNN"] - means["recurrent"]).between(-3, 3).all()
    assert (means["recurrent"] - means["adaptive"]).min() > 15


def test_with_the_default_triangle_both_layers_remember_a_cue_with_either_reset() -> None:
    both = pd.concat({"adaptive": ADAPTIVE, "recurrent": RECURRENT})
    assert both.xs(1.0, level="width")[0.3].min() > 99


def test_an_adaptive_layer_does_worse_at_a_width_of_2() -> None:
    assert (ADAPTIVE.xs(2.0, level="width")[0.3] < 94).all()


def test_with_a_detached_reset_a_peak_of_1_is_too_high_for_an_adaptive_layer() -> None:
    assert ADAPTIVE.loc[("attached", 1.0), 1.0] > 96
    assert ADAPTIVE.loc[("detached", 1.0), [0.1, 0.3]].min() > 97 > 95 > adaptive_one
    assert abs(adaptive_one - adaptive_frozen) < 2


def test_a_recurrent_layer_remembers_a_cue_up_to_an_area_of_2_with_an_attached_reset() -> None:
    assert RECURRENT.loc["attached"][[0.1, 0.3, 1.0]].min(axis=None) > 99.9


def test_a_synaptic_current_remembers_without_spikes_and_a_leaky_potential_does_not() -> None:
    assert synaptic == synaptic_frozen > 99
    assert lif < 60
