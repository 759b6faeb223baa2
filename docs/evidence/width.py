"""Whether one width is good for several networks."""

import matplotlib.pyplot as plt
import pandas as pd

from evidence.record import Record

WIDTH = Record("width")
seeds = WIDTH.seeds
ALL = WIDTH.means("network", "reset", "width", "updates").unstack(["updates", "width"])
SOON, LATE = ALL[100], ALL[500]

# At a width of 1, and at both peaks.
AT_ONE = WIDTH.means("network", "reset", "optimizer", "peak", width=1.0).unstack("peak")
adam_low, adam_high = AT_ONE.loc["moving dot", "detached", "Adam"].map(round)
sgd_low, sgd_high = AT_ONE.loc["moving dot", "detached", "SGD"].map(round)
cues_low, cues_high = AT_ONE.loc["two cues, recurrent", "detached", "SGD"].map(round)
cues_attached, cues_attached_high = AT_ONE.loc["two cues, recurrent", "attached", "SGD"].map(round)


def table() -> pd.DataFrame:
    """The accuracy in percent in the end, by network and reset, and by width."""
    return LATE.set_axis(LATE.index.map(", ".join)).round().astype(int)


def figure() -> None:
    """The accuracy over the width, for each network and reset."""
    whole, panels = plt.subplots(1, 2, figsize=(6, 4.4), sharey=True, layout="constrained")
    for panel, updates in zip(panels, (100, 500), strict=True):
        for place, (network, reset) in enumerate(ALL.index):  # two rows for each network
            style = f"C{place // 2}{'--' if reset == 'attached' else '-'}o"
            line = ALL.loc[(network, reset), updates]
            panel.plot(line, style, markersize=3, label=f"{network}, {reset}")
        panel.set_xscale("log", base=2)
        panel.set(title=f"{updates} updates", xlabel="width", xticks=[0.5, 1, 2, 4])
        panel.xaxis.set_major_formatter("{x:g}")
    panels[0].set(ylabel="accuracy (%)")
    whole.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)


def test_a_width_of_1_is_near_the_best_also_at_the_default_peak() -> None:
    default = WIDTH.means("network", "reset", width=1.0, peak=0.3)
    assert (SOON.max(axis=1) - SOON[1.0]).max() < 2
    assert (LATE.max(axis=1) - default).max() < 1


def test_adaptive_thresholds_alone_need_a_width_of_at_most_1_in_the_end() -> None:
    adaptive, others = LATE.loc["two cues, adaptive"], LATE.drop("two cues, adaptive")
    assert adaptive[[0.5, 1.0]].min(axis=None) > 98 > 93 > adaptive[[2.0, 4.0]].max(axis=None)
    assert (others.max(axis=1) - others.min(axis=1)).max() < 3
    assert others.min(axis=None) > 95


def test_with_sgd_and_a_detached_reset_the_peak_matters() -> None:
    assert min(sgd_low, cues_low) > 97 > 55 > max(sgd_high, cues_high)
    assert abs(adam_low - adam_high) < 2


def test_with_sgd_the_reset_matters_to_the_recurrent_network_alone() -> None:
    assert max(cues_attached, cues_attached_high) < 80
    better = WIDTH.means("network", "reset", optimizer="SGD", width=1.0).unstack("reset")
    gain = (better["attached"] - better["detached"]).drop("two cues, recurrent")
    assert gain.abs().max() < 2
