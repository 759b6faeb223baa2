"""The reader of the record: what the search found, and what each change adds."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, ttest_1samp

from evidence.results import DATA, Markdown

RECORD = pd.read_csv(DATA / "search.csv")
TASKS = pd.read_csv(DATA / "search_tasks.csv", index_col="task")
TESTS, LOSSES = ([c for c in RECORD if c.startswith(start)] for start in ("test ", "validation "))
SETTINGS = ["decay", "scale", "bias", "recurrent", "learning_rate"]
SIMPLE = ["linear model", "linear model of sums", "random forest"]
SIMPLE += ["MiniRocket", "nearest spike times"]
COLUMNS = {"width": "width 2, not 1", "peak": "peak 1, not 0.3", "detach_reset": "detached reset"}
SURROGATE = {*COLUMNS.values()}
COLUMNS |= {"recurrent": "recurrent weights", "decay": "decay 0.97, not 0.9"}
LONG = "two cues, pause 80"
CHANGES = ["adaptation", "128 neurons", "five times the updates"]


def accuracies(record: Any) -> Any:
    """In percent, by task and model; the mean over seeds."""
    means = 100 * record[TESTS].mean(axis=1)
    return means.groupby([record["task"], record["model"]], sort=False).first().unstack()


def error(accuracy: Any) -> Any:
    """The standard error of an accuracy, which isn't 0 where all examples are right."""
    n = TASKS["tested"][accuracy.index] + 4
    share = (accuracy / 100 * (n - 4) + 2) / n
    return 100 * np.sqrt(share * (1 - share) / n)


def effects(record: Any) -> Any:
    """By change and task, the percentage points that a change adds with each seed."""
    added = {}
    for task, grid in record.query("model == 'grid'").groupby("task", sort=False):
        models = record[record["task"] == task].set_index("model")[TESTS]
        for column, name in COLUMNS.items():  # at the lowest validation loss with either value
            low, high = grid[LOSSES].mean(axis=1).groupby(grid[column].astype(float)).idxmin()
            added[name, task] = grid.loc[high, TESTS] - grid.loc[low, TESTS]
        for name in CHANGES:
            added[name, task] = models.loc[name] - models.loc["as found"]
    return 100 * pd.DataFrame(added).T.astype(float)


def is_clear(added: Any) -> Any:
    """Whether the seeds agree so well that one in twenty of all such differences may be chance."""
    chance = ttest_1samp(added + 1e-9 * np.arange(added.shape[1]), 0, axis=1).pvalue
    return false_discovery_control(chance) < 0.05


def ahead(record: Any, models: Any) -> Any:
    """By how many standard errors the network is better than the best of these models."""
    accuracy = accuracies(record)
    others = accuracy[accuracy.columns.intersection(models)].max(axis=1)
    return (accuracy["network"] - others) / np.hypot(error(accuracy["network"]), error(others))


def near_the_best(record: Any) -> Any:
    """On which tasks the search is within five points, or two errors, of the best of 50 settings."""
    missed = accuracies(record).eval("`best of 50` - network").dropna()
    return (missed <= 5) | (ahead(record, ["best of 50"])[missed.index] >= -2)


def learned(record: Any, decay: float = 0.97) -> Any:
    """How many of 20 runs with this decay learn the task with a long pause, by reset and width."""
    rows = record.query(f"task == '{LONG}' and model == 'grid' and decay == {decay}")
    by = [rows["detach_reset"].astype(bool), rows["width"]]
    return (rows[TESTS] >= 0.9).sum(axis=1).groupby(by).sum()


ACCURACY, EFFECTS = accuracies(RECORD), effects(RECORD)
versions = " and ".join(sorted({*TASKS["jax"]}))
tasks, comparisons = len(TASKS), len(EFFECTS)
near, drawn = near_the_best(RECORD).sum(), len(near_the_best(RECORD))
worse = (ahead(RECORD, SIMPLE) < -2).sum()
frozen = (ahead(RECORD, ["frozen, 512 neurons"]) < 2).sum()
recurrent = (RECORD.query("model == 'network'")["recurrent"] > 0).sum()
(default, wide), detached = learned(RECORD)[False], learned(RECORD)[True].max()


def figure_of_tasks() -> None:
    """A row for each task, and what models reach."""
    figure, panel = plt.subplots(figsize=(6, 9), layout="constrained")
    rows = np.arange(len(TASKS))[::-1]
    simple = ACCURACY[ACCURACY.columns.intersection(SIMPLE)].max(axis=1)
    shown = {
        "best simple model": (simple, "s"),
        "network that the search found": (ACCURACY["network"], "o"),
        "best of 50 random settings": (ACCURACY["best of 50"], "|"),
        "frozen, 512 neurons": (ACCURACY["frozen, 512 neurons"], "x"),
    }
    for (label, (reached, mark)), up in zip(shown.items(), [0.3, 0.1, -0.1, -0.3], strict=True):
        panel.errorbar(reached, rows + up, xerr=error(reached), fmt=mark, ms=3.5, label=label)
    panel.hlines(rows[:-1] - 0.5, 0, 102, color="gray", alpha=0.3, lw=0.8)
    panel.set(yticks=rows, yticklabels=TASKS.index, xlabel="test accuracy (%)", xlim=(20, 103))
    figure.legend(loc="outside upper center", ncols=2)


def table_of_effects() -> Markdown:
    """Percentage points by change and task, with standard errors over the seeds."""
    each = zip(EFFECTS.mean(axis=1), EFFECTS.sem(axis=1), is_clear(EFFECTS), strict=True)
    text = [f"**{x:+.1f}** ± {s:.1f}" if c else f"{x:+.1f} ± {s:.1f}" for x, s, c in each]
    cells = pd.Series(text, EFFECTS.index).str.replace(" ", "\N{NO-BREAK SPACE}")
    names, tasks = EFFECTS.index.unique(0), EFFECTS.index.unique(1)
    table = cells.unstack().loc[names, tasks]
    return Markdown("\n\n".join(table[few].to_markdown() for few in (tasks[:3], tasks[3:])))


def test_the_search_is_near_the_best_of_50() -> None:
    assert near_the_best(RECORD).sum() >= 9, near_the_best(RECORD)


def test_no_width_peak_or_reset_clearly_adds_more_than_a_point() -> None:
    better = EFFECTS[is_clear(EFFECTS) & (EFFECTS.mean(axis=1) > 1)].index.get_level_values(0)
    assert not {*better} & SURROGATE, EFFECTS


def test_the_default_is_the_most_reliable_over_a_long_pause() -> None:
    runs = learned(RECORD)
    assert runs[False][1.0] > 1.5 * runs.drop((False, 1.0)).max(), runs


def test_the_decay_and_recurrent_weights_depend_on_the_task() -> None:
    assert EFFECTS.mean(axis=1)["recurrent weights", "Randman, 1-D"] < -40
    assert learned(RECORD, 0.9).sum() == 0


def test_each_value_that_is_searched_was_chosen_for_some_task() -> None:
    found = RECORD[RECORD["model"] == "network"]
    assert (found[SETTINGS].nunique() == 2).all(), found[SETTINGS]


def test_the_network_is_far_ahead_only_over_a_long_pause() -> None:
    by = ahead(RECORD, SIMPLE)
    assert by[LONG] > 3 > by.drop(LONG).max(), by
