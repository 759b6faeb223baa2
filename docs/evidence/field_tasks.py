"""How far a search takes a network on tasks that others made, and what other models reach."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.results import Results

SEARCH, CHANGED, DRAWN = (Results(f"field_tasks{what}") for what in ("", "_changed", "_drawn"))
seeds = CHANGED.seeds
ACCURACY = SEARCH.means("task", "model").unstack()
OF_CHANGES = CHANGED.outcomes("task", "model")
# Of settings that are drawn at random, the best on the test data: the most that they can reach
MOST = DRAWN.outcomes("task", "model").map(np.max).unstack()
SIMPLE = ["linear model", "linear model of sums", "strong baseline"]
NETWORK, FROZEN = ACCURACY["search"], ACCURACY["frozen network"]
TASKS = list(SEARCH.table["task"].unique())
CHANGES = {
    "detached reset": "detached reset",
    "peak 1": "peak 1",
    "width 2": "width 2, same peak",
    "batch of 100": "batches of 100",
    "128 neurons": "128 neurons",
    "5 times the updates": "5 times the updates",
}
# How many examples are held out
TESTED = pd.Series(
    {
        "Yin-Yang": 1000,
        "digits": 360,
        "wine": 36,
        "breast cancer": 114,
        "MNIST-1D": 1000,
        "BasicMotions": 40,
        "JapaneseVowels": 370,
        "ItalyPowerDemand": 1029,
        "GunPoint": 150,
        "ArrowHead": 175,
        "UnitTest": 22,
        "OSULeaf": 242,
        "ACSF1": 100,
        "Randman, 1-D": 600,
        "Randman, 2-D": 600,
        "two cues": 200,
        "temporal order": 200,
        "PLAID": 537,
        "digits, random spikes": 360,
        "accumulated cues": 200,
    }
)
# The best that papers report, by any method but people
PUBLISHED = {"Yin-Yang": 98.7, "MNIST-1D": 94, "BasicMotions": 100}


def error(accuracy: pd.Series) -> pd.Series:
    """The standard error of an accuracy, which isn't 0 where all examples are right."""
    n = TESTED[accuracy.index] + 4
    share = (accuracy / 100 * (n - 4) + 2) / n
    return 100 * np.sqrt(share * (1 - share) / n)


MISSED = MOST.max(axis=1) - NETWORK[MOST.index]
NEAR = pd.concat([2 * error(MOST.max(axis=1)), 5 + 0 * MISSED], axis=1).max(axis=1) >= MISSED
near, drawn = int(NEAR.sum()), len(NEAR)
GAIN = NETWORK - ACCURACY["constants"]
SIMPLEST = ACCURACY[SIMPLE].max(axis=1)


def figure_of_tasks() -> None:
    """A row for each task: what models reach."""
    figure, panel = plt.subplots(figsize=(7, 6.5), layout="constrained")
    rows = np.arange(len(TASKS))[::-1]
    best = MOST.max(axis=1).reindex(TASKS)
    panel.errorbar(
        NETWORK[TASKS],
        rows,
        xerr=error(NETWORK)[TASKS],
        fmt="o",
        label="network, searched",
        zorder=3,
    )
    panel.plot(best, rows, "|", ms=14, mew=2, label="best of 100 random settings")
    panel.plot(ACCURACY["constants"][TASKS], rows, ".", label="network, constants of before")
    panel.plot(FROZEN[TASKS], rows, "x", label="frozen network, searched")
    panel.plot(ACCURACY["linear model"][TASKS], rows, "^", mfc="none", label="linear model")
    panel.plot(
        ACCURACY["strong baseline"][TASKS],
        rows,
        "s",
        mfc="none",
        label="random forest or MiniRocket",
    )
    published = [row for row, task in zip(rows, TASKS, strict=True) if task in PUBLISHED]
    panel.plot([*PUBLISHED.values()], published, "*", ms=9, label="best that papers report")
    panel.set(yticks=rows, yticklabels=TASKS, xlabel="accuracy on test data (%)", xlim=(0, 102))
    panel.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")


def gains(change: str) -> pd.DataFrame:
    """What a change adds on each task, and the standard error over the seeds."""
    changed, network = (OF_CHANGES.xs(name, level="model") for name in (change, "nothing"))
    added = changed - network
    spread = added.map(lambda each: np.std(each, ddof=1) / len(each) ** 0.5)
    return pd.DataFrame({"gain": added.map(np.mean), "error": spread})


def figure_of_changes() -> None:
    """A dot for each task and change."""
    _, panel = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for number, task in enumerate(gains("detached reset").index):
        table = pd.DataFrame({name: gains(name).loc[task] for name in CHANGES}).T
        places = np.arange(len(CHANGES))[::-1] + 0.3 - 0.06 * number
        panel.errorbar(table["gain"], places, xerr=table["error"], fmt=".", label=task)
    panel.axvline(0, color="gray", lw=0.8)
    panel.set(yticks=np.arange(len(CHANGES))[::-1], yticklabels=CHANGES.values())
    panel.set(xlabel="percentage points that a change adds")
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")


def of_change(change: str, task: str = "Randman, 1-D") -> float:
    """What it adds on a task."""
    return float(gains(change)["gain"][task])


neurons, updates = round(of_change("128 neurons")), round(of_change("5 times the updates"))
batch = round(of_change("batch of 100"))
SURROGATE = pd.concat([gains("peak 1"), gains("width 2")])["gain"]
surrogate = int(np.ceil(SURROGATE.abs().max()))
most, least, tasks = round(GAIN.max()), int(np.ceil(-GAIN.min())), len(TASKS)
ROCKET = ["MNIST-1D", "GunPoint", "ArrowHead", "OSULeaf", "ACSF1", "PLAID"]


def test_the_search_is_near_the_best_of_100_on_nine_of_ten_tasks() -> None:
    assert (near >= 9, drawn) == (True, 10), MISSED


def test_no_network_is_clearly_better_than_the_best_simple_model() -> None:
    assert (2 * error(NETWORK) > NETWORK - SIMPLEST).all(), NETWORK - SIMPLEST
    assert (ACCURACY["strong baseline"] - NETWORK)[ROCKET].min() > 15


def test_frozen_weights_do_as_well_where_little_is_learned() -> None:
    better = NETWORK - error(NETWORK) < FROZEN
    assert better[["ArrowHead", "PLAID"]].all()


def test_a_detached_reset_is_worse_on_randman_alone() -> None:
    detached = gains("detached reset")
    assert detached.eval("gain + 2 * error")["Randman, 1-D"] < 0
    assert detached.eval("gain - 2 * error").max() <= 0.5
