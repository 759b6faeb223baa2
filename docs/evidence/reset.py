"""The reset: at which peaks training fails, and whether attached or detached is better."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.record import Record, ends, mean_and_error
from evidence.width import SOLVED

FORMS = ["subtract, then leak", "leak, then subtract", "to zero"]


def safe_peak(form: str, decay: float, width: float = 1.0) -> float:
    """The bound of the how-to page, for a threshold of 1; tests/test_experiments.py checks it."""
    if form == "to zero" and width > 1:
        below_zero = (1 / decay - 1) * 4 * width / (width - 1) ** 2
        return min(below_zero, 4 * width / (width + 1) ** 2 / decay)
    return {FORMS[0]: 1 + 1 / decay, FORMS[1]: 1 + decay, FORMS[2]: 1 / decay}[form]


DIGITS = Record("reset")
ROWS = DIGITS.rows()
ROWS["trains"] = ROWS["accuracy"].map(lambda seeds: 100 * np.mean(seeds >= 50))
ROWS["bound"] = list(map(safe_peak, ROWS["form"], ROWS["decay"], ROWS["width"]))
ATTACHED, DETACHED = (ROWS.query(f"reset == '{reset}'") for reset in ("attached", "detached"))
BELOW = np.stack(ATTACHED.query("peak <= bound + 1e-6")["accuracy"])
below_runs, below_worst = f"{BELOW.size:,}", int(BELOW.min())
DEFAULT = DIGITS.means("form", "reset", peak=0.3, width=1.0, optimizer="Adam")
default_from, default_to = ends(DEFAULT)
random_layer = Record("frozen_control").percent(hidden="frozen", neurons=16)
TRAIN = ATTACHED.groupby(["form", "width", "decay", "bound", "peak"])["trains"].mean().unstack()
# The largest peak up to which 95% of the runs train, divided by the bound.
LARGEST = (TRAIN >= 95).cummin(axis=1).mul(TRAIN.columns).max(axis=1)
RATIO = (LARGEST / LARGEST.index.get_level_values("bound")).droplevel("bound")


def compared(name: str, **task: Any) -> pd.Series:
    """Accuracies with the default triangle and with the best, attached and detached."""
    experiment = Record(name)
    default = experiment.outcomes("reset", peak=0.3, width=1.0, **task)
    best = experiment.outcomes("reset", tuned=["peak", "width"], **task)
    return pd.concat({"default": default, "tuned": best})


LSNN = {"hidden": "trained", "rise_attached": 1.0}
TASKS = {
    "GunPoint, recurrent": compared("series", data="GunPoint", model="trained"),
    "temporal order, LSNN": compared("lsnn", task="temporal order", **LSNN),
    "accumulated cues, LSNN": compared("lsnn", task="accumulated cues", **LSNN),
}


def table_of_tasks() -> pd.DataFrame:
    """How well tasks are learned with both resets, with the default and with a tuned triangle."""
    neurons = pd.concat({"default": SOLVED.loc[(0.3, 1.0)], "tuned": SOLVED.max()})
    neurons = neurons.unstack().rename(columns="one neuron, {:,} updates".format)
    cells = neurons.join(pd.DataFrame(TASKS).map(mean_and_error)).T
    return cells.set_axis([f"{triangle}, {reset}" for triangle, reset in cells], axis=1)


def table() -> pd.DataFrame:
    """The largest peak in units of the bound, over the decays, by form and width."""
    to = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"
    cells = RATIO.groupby(["form", "width"]).agg(lambda of: f"{of.min():.1f}{to}{of.max():.1f}")
    return cells.unstack().loc[FORMS].rename(columns="width {:g}".format)


def figure() -> None:
    """How many runs train over the peak of an attached reset, for each decay and form."""
    whole, panels = plt.subplots(3, 2, figsize=(6, 7.2), sharey=True, layout="constrained")
    *others, last = panels.flat
    for panel, decay in zip(others, sorted(ROWS["decay"].unique()), strict=True):
        for form, color in zip(FORMS, ("C0", "C1", "C2"), strict=True):
            share = TRAIN.loc[(form, 1.0, decay), :5].squeeze()
            panel.plot(share, f"{color}o-", markersize=3, label=form)
            panel.axvline(safe_peak(form, decay), color=color, linestyle=":", linewidth=1.5)
        panel.set(title=f"decay {decay}")
    last.axis("off")
    last.legend(*panel.get_legend_handles_labels(), loc="center")
    whole.supxlabel(r"peak $\alpha w$", fontsize="medium")
    whole.supylabel("runs that train (%)", fontsize="medium")


def test_no_run_fails_at_or_below_the_bound() -> None:
    assert below_worst > 80
    assert 70 < random_layer < 80


def test_training_fails_not_far_above_the_bound() -> None:
    exceptions = [("to zero", 4.0, decay) for decay in (0.9, 0.97)]
    others = RATIO.drop(exceptions)
    assert 1 <= others.min() <= others.max() < 2 < 2.4 < RATIO[exceptions].min()
    assert ATTACHED.query("width == 1 and peak > 2.5 * bound")["trains"].max() == 0


def test_detached_the_peak_matters_to_sgd_and_not_to_adam() -> None:
    share = DETACHED.groupby(["optimizer", "peak"])["trains"].mean()
    assert share["Adam"].min() == 100
    assert share["SGD", 1.0] == 100 > share["SGD", 4.0] > share["SGD", 16.0]
    adam = {"reset": "detached", "optimizer": "Adam"}
    means = DIGITS.means("form", "decay", "width", "rate", "peak", **adam).unstack("peak")
    assert (means.max(axis=1) - means.min(axis=1)).max() < 2


def test_below_the_bound_both_resets_do_equally_well_with_adam_alone() -> None:
    by = ("optimizer", "rate", "updates", "reset")
    safe = DIGITS.means(*by, form=FORMS, peak=1.0, width=1.0)
    gain = safe.xs("attached", level="reset") - safe.xs("detached", level="reset")
    assert gain["Adam"].abs().max() < 1
    assert gain["SGD", 0.2, 100] < -3 < 2 < gain["SGD", 0.8, 100]
    assert default_to - default_from <= 1


def test_an_attached_reset_is_never_clearly_worse_and_better_in_an_lsnn() -> None:
    means = pd.DataFrame(TASKS).map(np.mean)
    gain = means.xs("attached", level="reset") - means.xs("detached", level="reset")
    assert gain.min(axis=None) > -3
    assert gain.drop(columns="GunPoint, recurrent").min(axis=None) > 3
