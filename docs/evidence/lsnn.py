"""What carries a memory, and which peak, width, reset and gradient paths an LSNN needs for it."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.results import Results, mean_and_error

LSNN, MEMORY = Results("lsnn"), Results("memory")
seeds = LSNN.seeds
ORDER, SUM = "temporal order", "accumulated cues"
OUTCOMES = LSNN.outcomes("task", "reset", "width", "peak", rise_attached=1.0)
MEANS = OUTCOMES.map(np.mean).sort_index()
MEANS_SOON = LSNN.means(
    "width", "peak", updates=100, task=ORDER, reset="attached", rise_attached=1.0
)
CUT = LSNN.means("task", rise_attached=0.0)  # the gradient through the raised threshold


def by_area(means: pd.Series) -> pd.Series:
    """By peak times width, which no two pairs of a task share."""
    peak, width = (means.index.get_level_values(name) for name in ("peak", "width"))
    return means.set_axis((peak * width).to_numpy().round(6)).sort_index()


ORDER_ATTACHED = by_area(MEANS[ORDER, "attached"])
ORDER_DETACHED = by_area(MEANS[ORDER, "detached"])
SUM_ATTACHED = by_area(MEANS[SUM, "attached"])
SOON = by_area(MEANS_SOON)
soon, wide_soon = round(SOON[0.3]), round(SOON[0.6])
low = int(ORDER_ATTACHED[0.4:1.2].min())
order_cut, sum_cut = round(CUT[ORDER]), round(CUT[SUM])


def table() -> pd.DataFrame:
    """Accuracies in percent, by task, reset, width and peak."""
    cells = OUTCOMES.map(mean_and_error).unstack().sort_index()
    return cells.reindex([ORDER, SUM], level="task").rename("{:g}".format, level="width")


DELAYS, DECAYS = [10, 25, 50, 100, 200], [0.9, 0.97, 0.99]
BY_LAYER = MEMORY.means("task", "layer", "decay")
LAYERS = {"plain": "LIF", "adaptive": "adaptive", "recurrent": "recurrent", "LSNN": "LSNN"}


def of_delays(cues: int, layer: str) -> pd.DataFrame:
    """Accuracies by decay and delay."""
    tasks = {f"{cues} of {delay}": delay for delay in DELAYS}
    table = BY_LAYER.xs(layer, level="layer").unstack("decay").loc[list(tasks)]
    return table.rename(tasks)


def figure_of_delays() -> None:
    """Accuracy by delay: a column for each layer, a row for one cue or two, a line for each decay."""
    _, panels = plt.subplots(2, 4, figsize=(8, 4), sharex=True, sharey=True, layout="constrained")
    for cues, row in zip((1, 2), panels, strict=True):
        for layer, panel in zip(LAYERS, row, strict=True):
            for decay, style in zip(DECAYS, ("o-", "s--", "^:"), strict=True):
                panel.plot(of_delays(cues, layer)[decay], style, ms=4, label=f"{decay:g}")
            panel.set(xscale="log", xticks=DELAYS, ylim=(40, 103))
            panel.set_xticks(DELAYS, map(str, DELAYS))
            panel.minorticks_off()
            panel.tick_params(labelsize="small")
    for panel, name in zip(panels[0], LAYERS.values(), strict=True):
        panel.set_title(name)
    panels[0, 0].set_ylabel("one cue (%)")
    panels[1, 0].set_ylabel("two cues (%)")
    for panel in panels[1]:
        panel.set_xlabel("delay")
    panels[1, 3].legend(title="decay", fontsize="small")


def holds(cues: int, layer: str, decay: float) -> int:
    """The longest delay over which the accuracy is at least 90%."""
    good = of_delays(cues, layer)[decay] >= 90
    return max((delay for delay in DELAYS if good[delay]), default=0)


far = holds(2, "recurrent", 0.99)


def test_recurrent_weights_and_a_high_decay_carry_a_memory() -> None:
    assert [holds(2, "recurrent", decay) for decay in DECAYS] == [50, 100, 200]
    assert [holds(2, "plain", decay) for decay in DECAYS] == [10, 25, 50]
    assert min(holds(1, "recurrent", decay) for decay in DECAYS) >= 100
    assert max(of_delays(1, layer).loc[100].max() for layer in ("plain", "adaptive")) < 65


def test_adaptive_thresholds_help_at_a_low_decay_and_add_little_to_recurrence_otherwise() -> None:
    assert of_delays(2, "adaptive").loc[50, 0.9] > 90 > 60 > of_delays(2, "plain").loc[50, 0.9]
    for cues in (1, 2):
        added = of_delays(cues, "LSNN") - of_delays(cues, "recurrent")
        assert added[[0.97, 0.99]].abs().max(axis=None) < 3
        assert added[0.9].abs().loc[:50].max() < 3
    assert of_delays(2, "LSNN").loc[100, 0.9] > 85 > 60 > of_delays(2, "recurrent").loc[100, 0.9]


def test_the_default_learns_both_tasks_and_larger_areas_sooner() -> None:
    assert 75 < ORDER_ATTACHED[0.3] < 92 < 98 < ORDER_ATTACHED[0.6]
    assert 85 < SUM_ATTACHED[0.3] < SUM_ATTACHED[0.6]
    assert wide_soon > soon + 10
    assert SOON[0.4:1.0].min() > soon + 3


def test_an_attached_reset_learns_at_areas_up_to_12_and_fails_at_4() -> None:
    assert ORDER_ATTACHED[0.4:1.2].min() > 93 > ORDER_ATTACHED[2.0] > 40 > ORDER_ATTACHED[4.0]
    assert SUM_ATTACHED[0.2:1.2].min() > 84


def test_detached_a_peak_of_01_with_a_width_of_4_has_the_highest_mean_on_temporal_order() -> None:
    assert ORDER_DETACHED[0.4] > ORDER_DETACHED.drop(0.4).max() + 8


def test_the_gradient_through_the_raised_threshold_is_needed() -> None:
    assert order_cut < ORDER_ATTACHED[0.3] - 15
    assert sum_cut < SUM_ATTACHED[0.3] - 20
