"""Initial weights, and what wakes a silent network."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.record import Record, ends

WEIGHTS, SILENT = Record("initial_weights"), Record("silent")
seeds = WEIGHTS.seeds
SCALES = [0.02, 0.06, 0.18, 0.54]
TRIANGLES = {"": (0.3, 1.0), ", width 2": (0.3, 2.0), ", peak 1": (1.0, 1.0)}
STARTS: dict[str, dict[str, Any]] = {
    f"{scale}{name}": {"normalized": "no", "scale": scale, "peak": peak, "width": width}
    for name, (peak, width) in TRIANGLES.items()
    for scale in SCALES
}
STARTS |= {
    f"{scale}, {name} norm": {"normalized": over, "scale": scale}
    for name, over in (("batch", "batch and time"), ("layer", "layer"))
    for scale in (0.02, 0.18)
}


def by_optimizer(means: pd.DataFrame) -> pd.DataFrame:
    """In percent, with a column for each optimizer and length of the training."""
    names = [f"{optimizer}, {updates}" for optimizer, updates in means]
    return means.set_axis(names, axis=1).rename_axis(None).round().astype(int)


BY = ["optimizer", "updates"]
REACHED = by_optimizer(pd.DataFrame({of: WEIGHTS.means(*BY, **STARTS[of]) for of in STARTS}).T)
REMEDIES = by_optimizer(SILENT.means("network", *BY).unstack(BY).sort_index(axis=1))
ADAM, SGD = REACHED["Adam, 400"], REACHED["SGD, 400"]

# How often the last layer spikes before training, and what the network reaches.
FIRST = WEIGHTS.rows(normalized="no", optimizer="Adam")[["before", "accuracy"]].map(np.mean)
WELL = FIRST.query("before > 0.01 and accuracy > 94")["before"]
high_start = round(WELL.max())
too_many = round(FIRST["before"].max())
too_many_reach = round(FIRST.query("before > 30")["accuracy"].max())

OF_RATES = SILENT.means("network", "optimizer", "rate")
FIRING = SILENT.means("network", "rate", optimizer="Adam", outcome="firing")
fires, fires_02 = (round(FIRING[f"larger weights{of}", 0.01]) for of in ("", " with rates to 0.2"))
adam_good, adam_bad = OF_RATES["larger weights", "Adam"][[0.01, 0.05]].map(round)
sgd_good, sgd_bad = OF_RATES["medium weights", "SGD"][[0.5, 2.5]].map(round)

# The share of a layer's neurons that never spike, with a rate that is too high.
NEVER = SILENT.rows(network="larger weights", optimizer="Adam", rate=0.05)
never_low, never_high = ends(pd.Series(NEVER["silent_before"].item().mean(axis=0)))
adam_silent_low, adam_silent_high = ends(pd.Series(NEVER["silent"].item().mean(axis=0)))


def table() -> pd.DataFrame:
    """Accuracies by initial weights or normalization."""
    return REACHED


def table_of_remedies() -> pd.DataFrame:
    """Accuracies from weights that are too small, by remedy."""
    return REMEDIES


def figure() -> None:
    """Accuracy over the scale of the initial weights, for both optimizers."""
    whole, panels = plt.subplots(2, 1, figsize=(5.5, 6.4), sharex=True, layout="constrained")
    for panel, optimizer in zip(panels, ("Adam", "SGD"), strict=True):
        for name, color in (("", "C0"), (", width 2", "C1")):
            for updates, style in ((80, ":"), (400, "-")):
                starts = [f"{scale}{name}" for scale in SCALES]
                line = REACHED.loc[starts, f"{optimizer}, {updates}"]
                label = f"{name[2:] or 'width 1'}, {updates} updates"
                panel.plot(SCALES, line, f"{color}{style}o", markersize=4, label=label)
        late = REACHED[f"{optimizer}, 400"]
        panel.plot([0.02, 0.18], late.filter(like="batch"), "C2^", label="batch norm, 400 updates")
        panel.set(xscale="log", title=optimizer, ylabel="test accuracy (%)", ylim=(0, 104))
        panel.set_xticks(SCALES, map(str, SCALES))
        panel.minorticks_off()
    panels[1].set(xlabel="standard deviation of the initial weights")
    lines = panels[0].get_legend_handles_labels()
    whole.legend(*lines, loc="outside lower center", ncols=2, fontsize=8)


def test_a_silent_network_learns_nothing() -> None:
    assert REACHED.loc["0.02"].max() < 15


def test_a_normalization_learns_from_every_scale() -> None:
    assert REACHED.filter(like="batch", axis=0).min(axis=None) >= 90
    assert REACHED.filter(like="norm", axis=0)[["Adam, 400", "SGD, 400"]].min(axis=None) > 90


def test_a_width_of_2_learns_from_every_scale_with_adam_but_not_with_sgd() -> None:
    assert ADAM.filter(like="width 2").min() > 90
    assert SGD["0.02, width 2"] < 15 < 85 < SGD.filter(like="width 2")[1:].min()


def test_the_peak_hardly_matters_once_layers_spike() -> None:
    assert abs(ADAM["0.18, peak 1"] - ADAM["0.18"]) <= 1
    assert abs(SGD["0.18, peak 1"] - SGD["0.18"]) <= 3


def test_a_wider_triangle_helps_small_weights_more_than_a_higher_one() -> None:
    assert SGD["0.06, width 2"] > SGD["0.06, peak 1"] + 20 > SGD["0.06"] + 50


def test_a_few_spikes_are_enough_at_the_start() -> None:
    assert high_start < 10 < 30 < too_many
    some = FIRST.query("0.01 < before < 30").groupby("before")["accuracy"].max()
    assert too_many_reach < 94 <= some.min()


def test_adam_at_0002_is_slightly_better_than_at_001_where_layers_spike() -> None:
    settings = ["scale", "peak", "width"]
    by_rate = WEIGHTS.means(*settings, "rate", optimizer="Adam", normalized="no").unstack("rate")
    spike = by_rate.query("scale == 0.18")
    assert (spike[0.002] - spike[0.01]).between(0, 2.5).all()


def test_with_adam_all_remedies_wake_it_larger_weights_soonest_and_alone_work_with_sgd() -> None:
    names = ["larger weights", "medium weights", "wider support", "penalty on low potentials"]
    waking = REMEDIES.loc[names]
    assert waking["Adam, 400"].between(92, 96).all()
    assert waking["Adam, 80"].max() == waking.loc["larger weights", "Adam, 80"]
    assert waking["SGD, 400"][:2].min() > 90 > 70 > waking["SGD, 400"][2:].max()


def test_a_penalty_on_low_rates_cannot_wake_it() -> None:
    assert REMEDIES.loc["penalty on low rates"].max() < 75


def test_a_bound_on_rates_costs_time_with_adam_and_accuracy_with_sgd() -> None:
    names = ["larger weights", *(f"larger weights with rates to {top}" for top in (0.2, 0.1))]
    free, bound, low = (REMEDIES.loc[name] for name in names)
    assert abs(free - bound)[["Adam, 400", "SGD, 400"]].max() <= 1
    assert (free - bound)["Adam, 80"] > 5
    assert (free - low)["SGD, 400"] > 5 > (free - low)["Adam, 400"] > 1


def test_a_rate_that_is_too_high_costs_accuracy() -> None:
    assert adam_bad < 80 < 90 < adam_good
    assert sgd_bad < 75 < 90 < sgd_good


def test_a_rate_that_is_too_high_silences_neurons_and_the_firing_rate_hardly_shows_it() -> None:
    assert adam_silent_low > 40 > never_high + 30
    assert FIRING["larger weights", 0.05] > 0.6 * fires
