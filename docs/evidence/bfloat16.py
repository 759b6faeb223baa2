"""Which parts of a network can be stored in bfloat16 while it learns."""

import numpy as np
import pandas as pd

from evidence.record import Record, ends

STORED = Record("bfloat16")
seeds = STORED.seeds
NETWORKS = ["optimizer", "rate", "decay"]
DIGITS = ["digits", "digits, 40 steps"]
LOSSES = STORED.outcomes("bfloat16", "updates", *NETWORKS, task=DIGITS).unstack("bfloat16")
# The extra loss in percent, as the median over the seeds.
EXTRA = LOSSES.div(LOSSES["nothing"], axis=0).map(lambda ratio: 100 * np.median(ratio - 1))
EXTRA = EXTRA[[name for name in STORED.rows()["bfloat16"].unique() if name != "nothing"]]
EXTRA.loc["SGD", "optimizer state"] = np.nan  # it has none
SOON, LATE = (EXTRA.xs(updates, level="updates") for updates in (100, 500))

ACCURACIES = 100 * STORED.means("bfloat16", *NETWORKS, outcome="accuracy", task=DIGITS)
ACCURACIES = ACCURACIES.unstack("bfloat16").loc["Adam", ["nothing", "weights"]]
BETTER = ACCURACIES.groupby("decay").max()
apart = round((BETTER["nothing"] - BETTER["weights"]).max(), 1)
slow_32, slow_16 = ACCURACIES.loc[(0.001, 0.9)].map(round)

ORDER = 100 * STORED.means("bfloat16", outcome="accuracy", task="temporal order")
order_32, order_low = round(ORDER["nothing"], 1), round(ORDER.min(), 1)


def span(extra: pd.Series) -> str:
    """The lowest and the highest with their signs, or 0.0 for both."""
    low, high = (f"{end:+.1f}".replace("-0.0", "+0.0") for end in (extra.min(), extra.max()))
    return "0.0" if low == high == "+0.0" else f"{low} to {high}"


def table() -> pd.DataFrame:
    """The extra loss in percent by what is in bfloat16, and by optimizer and updates."""
    cells = EXTRA.groupby(["optimizer", "updates"]).agg(span).T[["SGD", "Adam"]].rename_axis(None)
    cells.loc["optimizer state", "SGD"] = "\N{EN DASH}"
    return cells.set_axis([f"{how}, {updates} updates" for how, updates in cells], axis=1)


def test_all_but_the_weights_raise_the_loss_by_less_than_1_percent() -> None:
    assert EXTRA.drop(["weights", "all"], axis=1).abs().max(axis=None) < 1


def test_weights_in_bfloat16_cost_more_the_longer_the_training_is() -> None:
    assert SOON["weights"].abs().max() < 1.5
    assert [ends(LATE.loc[how]["weights"]) for how in ("SGD", "Adam")] == [(7, 8), (28, 31)]
    assert (LATE["all"] - LATE["weights"]).abs().max() < 1


def test_how_much_accuracy_weights_in_bfloat16_cost_depends_on_the_rate() -> None:
    assert 0 < apart < 1
    assert slow_32 - slow_16 >= 3


def test_an_lsnn_loses_at_most_a_few_points() -> None:
    assert order_32 - order_low <= 5
