"""Whether one width is good for several networks, and for a single neuron."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.record import Record

WIDTH, NEURON = Record("width"), Record("neuron")
seeds, neurons = WIDTH.seeds, NEURON.seeds
# How many neurons learn their spike times, by triangle, and by reset and updates.
SOLVED = NEURON.outcomes("peak", "width", "reset", "updates").map(np.count_nonzero)
SOLVED = SOLVED.unstack(["reset", "updates"]).sort_index(axis=1)
SHARE = 100 * SOLVED.loc[0.3] / neurons
ALL = WIDTH.means("network", "reset", "width", "updates").unstack(["updates", "width"])
SOON, LATE = ALL[100], ALL[500]
BOTH = [
    pd.concat([of, pd.concat({"one neuron": SHARE.xs(updates, level="updates", axis=1).T[::-1]})])
    for of, updates in ((SOON, 400), (LATE, 2000))
]

# At a width of 1, and at both peaks.
AT_ONE = WIDTH.means("network", "reset", "optimizer", "peak", width=1.0).unstack("peak")
adam_low, adam_high = AT_ONE.loc["moving dot", "detached", "Adam"].map(round)
sgd_low, sgd_high = AT_ONE.loc["moving dot", "detached", "SGD"].map(round)
cues_low, cues_high = AT_ONE.loc["two cues, recurrent", "detached", "SGD"].map(round)
cues_attached, cues_attached_high = AT_ONE.loc["two cues, recurrent", "attached", "SGD"].map(round)

EACH = NEURON.outcomes("peak", "width", "optimizer", "rate", "reset").map(np.count_nonzero)
GAIN = EACH.xs("attached", level="reset") - EACH.xs("detached", level="reset")
ahead, behind, settings = sum(GAIN > 0), sum(GAIN < 0), len(GAIN)


def table() -> pd.DataFrame:
    """The percentage in the end, by network and reset, and by width."""
    return BOTH[1].set_axis(BOTH[1].index.map(", ".join)).round().astype(int)


def figure() -> None:
    """The percentage over the width, for each network and reset."""
    whole, panels = plt.subplots(1, 2, figsize=(6, 4.8), sharey=True, layout="constrained")
    for panel, of, title in zip(panels, BOTH, ("soon", "in the end"), strict=True):
        for place, (network, reset) in enumerate(of.index):  # two rows for each network
            style = f"C{place // 2}{'--' if reset == 'attached' else '-'}o"
            panel.plot(of.loc[(network, reset)], style, markersize=3, label=f"{network}, {reset}")
        panel.set_xscale("log", base=2)
        panel.set(title=title, xlabel="width", xticks=[0.5, 1, 2, 4])
        panel.xaxis.set_major_formatter("{x:g}")
    panels[0].set(ylabel="accuracy, or successful neurons (%)")
    whole.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)


def test_a_width_of_1_is_near_the_best_in_networks_also_at_the_default_peak() -> None:
    default = WIDTH.means("network", "reset", width=1.0, peak=0.3)
    assert (SOON.max(axis=1) - SOON[1.0]).max() < 2
    assert (LATE.max(axis=1) - default).max() < 1


def test_adaptive_thresholds_alone_need_a_width_of_at_most_1_in_the_end() -> None:
    adaptive, others = LATE.loc["two cues, adaptive"], LATE.drop("two cues, adaptive")
    assert adaptive[[0.5, 1.0]].min(axis=None) > 98 > 93 > adaptive[[2.0, 4.0]].max(axis=None)
    assert (others.max(axis=1) - others.min(axis=1)).max() < 3
    assert others.min(axis=None) > 95


def test_a_neuron_learns_soonest_attached_and_with_a_wide_triangle() -> None:
    soon = SOLVED.xs(400, level="updates", axis=1)
    attached = soon["attached"]
    assert (attached > 2 * soon["detached"]).all()
    assert attached[0.3, 1.0] < min(attached[0.3, 2.0], attached[0.3, 4.0])
    assert attached[1.0, 1.0] < attached[1.0, 4.0]


def test_in_the_end_a_width_of_2_makes_up_for_a_detached_reset_of_a_neuron() -> None:
    late = SOLVED.xs(2000, level="updates", axis=1)
    assert (late["attached"] - late["detached"]).drop([0.5, 1.0], level="width").max() <= 4
    assert late.loc[(0.3, 1.0)].max() <= late.loc[(0.3, 2.0), "detached"]


def test_a_neuron_detached_catches_up_with_tuned_settings_and_adam_alone() -> None:
    assert ahead > 4 * behind
    best = EACH.groupby(["optimizer", "reset"]).max()
    assert abs(best["Adam", "attached"] - best["Adam", "detached"]) <= 3
    assert best["SGD", "attached"] > best["SGD", "detached"] + 10


def test_with_sgd_and_a_detached_reset_the_peak_matters() -> None:
    assert min(sgd_low, cues_low) > 80 > 60 > max(sgd_high, cues_high)
    assert abs(adam_low - adam_high) < 2


def test_with_sgd_the_reset_matters_to_the_recurrent_network_alone() -> None:
    assert max(cues_attached, cues_attached_high) < 80
    better = WIDTH.means("network", "reset", optimizer="SGD", width=1.0).unstack("reset")
    gain = (better["attached"] - better["detached"]).drop("two cues, recurrent")
    assert gain.abs().max() < 2
