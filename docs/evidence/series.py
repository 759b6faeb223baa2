"""What training the hidden layers adds on real series, with which peak, width and reset."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.record import Record, ends, error, mean_and_error

SERIES = Record("series")
seeds = SERIES.seeds
DATA = ["GunPoint", "OSULeaf", "ItalyPowerDemand"]
TRAINED: dict[str, Any] = {"model": "trained"}
DEFAULT = TRAINED | {"peak": 0.3, "width": 1.0, "reset": "attached"}
MODELS: dict[str, dict[str, Any]] = {
    "linear: mean, std": {"linear": "mean and standard deviation"},
    "linear: sorted values": {"linear": "sorted values"},
    "linear: all values": {"linear": "all values"},
    "network, time shuffled": {"model": "time shuffled"},
    "network, hidden frozen": {"model": "hidden frozen"},
    "network, trained": DEFAULT,
}
OF_MODELS = pd.DataFrame({name: SERIES.outcomes("data", **of) for name, of in MODELS.items()})
PERCENT = OF_MODELS.map(np.mean).round().astype(int)
GUN, LEAF, ITALY = (PERCENT.loc[data] for data in DATA)
_, _, gun_linear, gun_shuffled, gun_frozen, gun_trained = GUN
_, _, italy_linear, italy_shuffled, italy_frozen, italy_trained = ITALY
leaf_shuffled, leaf_frozen, leaf_trained = LEAF.filter(like="network")
RECURRENCE = OF_MODELS["network, trained"] - SERIES.outcomes("data", model="not recurrent")
leaf_recurrence = round(RECURRENCE["OSULeaf"].mean())
gain_low, gain_high = ends(PERCENT["network, trained"] - PERCENT["network, hidden frozen"])

OPTIMIZERS = SERIES.outcomes("data", "optimizer", **DEFAULT)
adam_gun, sgd_gun = OPTIMIZERS["GunPoint"].map(np.mean).map(round)
OF_PAIRS = SERIES.outcomes("reset", "width", "peak", data="GunPoint", **TRAINED)
ATTACHED, DETACHED = (OF_PAIRS.map(np.mean)[reset] for reset in ("attached", "detached"))
OSU = SERIES.outcomes("reset", data="OSULeaf", **TRAINED)
leaf_detached = round(OSU["detached"].mean())


def table() -> pd.DataFrame:
    """Accuracies on GunPoint in percent, by reset, width and peak."""
    return OF_PAIRS.map(mean_and_error).unstack().loc[["attached", "detached"]]


def figure() -> None:
    """The accuracy of each model on each data set."""
    _, panels = plt.subplots(3, 1, figsize=(5.5, 8), layout="constrained")
    for panel, data in zip(panels, DATA, strict=True):
        of, colors = OF_MODELS.loc[data], [*5 * ["0.7"], "C1"]
        bars = panel.barh(of.index, of.map(np.mean), xerr=of.map(error), color=colors)
        panel.bar_label(bars, fmt="%.0f", padding=3)
        panel.axvline(17 if data == "OSULeaf" else 50, color="0.3", linestyle=":", linewidth=1)
        panel.set(title=data, xlim=(0, 110))
    panels[2].set(xlabel="test accuracy after 500 updates (%)")


def test_the_trained_network_is_well_ahead_of_the_one_with_frozen_hidden_weights() -> None:
    assert gun_trained > gun_frozen + 12
    assert leaf_trained > leaf_frozen + 10
    assert italy_trained > italy_frozen + 8


def test_the_trained_network_is_ahead_of_linear_models_on_gunpoint_and_osuleaf() -> None:
    assert gun_trained - 5 > max(GUN.filter(like="linear")) == gun_linear > gun_frozen + 5
    assert leaf_trained > max(LEAF.filter(like="linear")) + 10


def test_a_linear_model_is_better_on_italypowerdemand() -> None:
    assert italy_linear == max(ITALY) > 95 > italy_trained + 3


def test_without_the_order_in_time_the_network_nearly_guesses() -> None:
    assert max(gun_shuffled, italy_shuffled) < 60
    assert leaf_shuffled < 25


def test_recurrent_weights_help_on_osuleaf_and_less_on_gunpoint() -> None:
    assert RECURRENCE["OSULeaf"].mean() > 2 * error(RECURRENCE["OSULeaf"])
    assert 0 < RECURRENCE["GunPoint"].mean() < leaf_recurrence
    assert RECURRENCE["ItalyPowerDemand"].mean() < 1


def test_on_osuleaf_the_default_does_about_equally_well_with_either_reset() -> None:
    assert abs(leaf_trained - leaf_detached) < 4
    assert 0.5 < OSU.map(error).min() < OSU.map(error).max() < 2.5


def test_an_attached_reset_is_clearly_worse_at_no_pair_on_gunpoint() -> None:
    assert (ATTACHED - DETACHED).min() > -3


def test_an_attached_reset_tolerates_larger_areas_on_gunpoint() -> None:
    assert ATTACHED[1.0, 1.0] > DETACHED[1.0, 1.0] + 15
    assert DETACHED[[(1.0, 1.0), (2.0, 1.0), (4.0, 0.3), (4.0, 1.0)]].max() < 80


def test_other_start_values_do_about_as_well_on_gunpoint() -> None:
    assert abs(ATTACHED[2.0, 0.3] - ATTACHED[1.0, 0.3]) < 3
    assert 1 < DETACHED[1.0, 0.3] - DETACHED[4.0, 0.1] < 5


def test_adam_is_better_than_sgd_on_gunpoint_and_not_clearly_on_italypowerdemand() -> None:
    assert adam_gun > sgd_gun + 8
    ahead = OPTIMIZERS["ItalyPowerDemand", "Adam"] - OPTIMIZERS["ItalyPowerDemand", "SGD"]
    assert abs(ahead.mean()) < 2 * error(ahead)


def test_with_adam_both_rates_do_about_equally_well() -> None:
    by_rate = SERIES.means("data", "rate", optimizer="Adam", **DEFAULT).unstack()
    assert (by_rate[0.003] - by_rate[0.01]).abs().max() < 3.5
