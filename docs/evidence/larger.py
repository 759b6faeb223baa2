"""Whether the start values transfer to larger networks."""

import numpy as np
import pandas as pd

from evidence.record import Record, mean_and_error
from evidence.series import DEFAULT, SERIES

LARGER = Record("larger")
seeds = LARGER.seeds
BY_RATE = LARGER.outcomes("data", "peak", "width", "reset", "rate", model="trained")
MEANS = BY_RATE.map(np.mean).unstack()
GUN, LEAF = MEANS.loc["GunPoint"], MEANS.loc["OSULeaf"]
RATES, TOO_HIGH = [0.0003, 0.001, 0.003], 0.01
gun_frozen, leaf_frozen = (
    LARGER.percent(data=data, model="hidden frozen") for data in ("GunPoint", "OSULeaf")
)


def table() -> pd.DataFrame:
    """Accuracies in percent, by data, surrogate, reset and learning rate."""
    return BY_RATE.map(mean_and_error).unstack(fill_value="").rename(columns="{:g}".format)


def test_the_default_surrogate_learns_well_at_rates_up_to_0003() -> None:
    gun, leaf = GUN.loc[0.3, 1.0, "attached"], LEAF.loc[0.3, 1.0, "attached"]
    assert gun[RATES].min() > max(gun[TOO_HIGH], gun_frozen) + 5
    assert leaf[RATES].min() > max(leaf[TOO_HIGH] + 3, leaf_frozen + 8)


def test_a_frozen_network_reaches_more_than_one_trained_at_a_rate_of_001_on_gunpoint() -> None:
    assert gun_frozen > GUN.loc[0.3, 1.0, "attached"][TOO_HIGH]


def test_with_the_default_neither_reset_is_clearly_better() -> None:
    default = GUN.loc[0.3, 1.0]
    assert (default.loc["attached"] - default.loc["detached"]).abs().max() < 6


def test_at_a_peak_and_a_width_of_1_only_the_attached_reset_learns_well() -> None:
    high = GUN.loc[1.0, 1.0]
    assert high.loc["detached"].max() < 70 < 85 < high.loc["attached"][0.003]


def test_with_32_neurons_both_rates_work_about_as_well() -> None:
    small = SERIES.means("data", "rate", optimizer="Adam", **DEFAULT).unstack()
    assert (small[0.003] - small[0.01]).abs().max() < 3.5
