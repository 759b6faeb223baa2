"""The reader of the record: how good networks are, and what each part of them adds."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, ttest_ind_from_stats

from evidence.results import DATA

RECORD = pd.read_csv(DATA / "search.csv")
TASKS = pd.read_csv(DATA / "search_tasks.csv", index_col="task")
SIMPLE = ["linear model", "linear model of sums", "random forest"]
SIMPLE += ["MiniRocket", "nearest spike times"]
# With what, and without what: variants of the network that the search found
EFFECTS = {
    "delays, not none": ("delays", "no delays"),
    "adaptation in half, not none": ("adaptation", "no adaptation"),
    "time constants drawn, not equal": ("drawn time constants", "one time constant"),
    "time constants trained, not fixed": ("as found", "drawn time constants"),
    "rates standardized": ("as found", "rates as they are"),
    "spikes counted in quarters": ("quarters", "one count"),
    "recurrent weights": ("recurrent", "as found"),
    "128 neurons, not 32": ("128 neurons", "as found"),
    "1500 updates, not 500": ("1500 updates", "as found"),
    "dropout, not none": ("dropout", "as found"),
    "fast sigmoid, w = 0.25": ("fast sigmoid", "as found"),
    "fast sigmoid, w = 1.2": ("wide fast sigmoid", "as found"),
    "width 2, not 1": ("width 2", "as found"),
    "peak 1, not 0.3": ("peak 1", "as found"),
    "detached reset": ("detached reset", "as found"),
}


def in_order(values: Any) -> Any:
    """A row for each task and a column for each model, as they come: old pandas sorts or mixes them."""
    return values.unstack().loc[values.index.unique(0), values.index.unique(1)]


def by_seed(record: Any) -> Any:
    """In percent, a column for each seed."""
    values = 100 * record.filter(regex=r"^test \d").astype(float)
    return values.set_index([record["task"], record["model"]])


def accuracies(record: Any) -> Any:
    """In percent, by task and model; the mean over seeds."""
    return in_order(by_seed(record).mean(axis=1))


def errors(record: Any, tested: Any) -> Any:
    """The standard errors of accuracies, over the test examples and over the seeds.

    With two more of each kind, right and wrong, it isn't 0 where all examples are right.
    """
    accuracy, n = accuracies(record) / 100, tested + 4
    share = accuracy.mul(tested, axis=0).add(2).div(n, axis=0)
    of_examples = (share * (1 - share)).div(n, axis=0)
    of_seeds = in_order((by_seed(record).sem(axis=1) / 100).fillna(0)) ** 2
    return 100 * np.sqrt(of_examples + of_seeds)


def best_simple(record: Any) -> Any:
    """By task, the name of the simple model with the highest validation accuracy."""
    valid = record[record["model"].isin(SIMPLE)].set_index(["task", "model"])["validation"]
    return in_order(valid.astype(float)).idxmax(axis=1)


def of(table: Any, models: Any) -> Any:
    """By task, the entry of one model, whose name may differ from task to task."""
    names = models if isinstance(models, pd.Series) else pd.Series(models, table.index)
    return pd.Series({task: table.loc[task, names[task]] for task in table.index})


def ahead(record: Any, tested: Any, models: Any, network: Any = "network") -> Any:
    """By how many standard errors the network is better than a model."""
    accuracy, error = accuracies(record), errors(record, tested)
    apart = of(accuracy, network) - of(accuracy, models)
    return apart / np.hypot(of(error, network), of(error, models))


def effects(record: Any) -> tuple[Any, Any]:
    """By effect and task: percentage points, and whether they are clear, one in twenty by chance."""
    tests = by_seed(record)
    tasks = tests.xs("as found", level=1).index
    rows = [[(t, pair[side]) for pair in EFFECTS.values() for t in tasks] for side in (0, 1)]
    one, other = (tests.loc[of_side].to_numpy() for of_side in rows)
    statistics = [(x.mean(1), x.std(1, ddof=1) + 1e-9, x.shape[1]) for x in (one, other)]
    chance = ttest_ind_from_stats(*statistics[0], *statistics[1], equal_var=False).pvalue
    found = one.mean(1) - other.mean(1), false_discovery_control(chance) < 0.05
    index = pd.MultiIndex.from_product([EFFECTS, tasks])
    return tuple(in_order(pd.Series(each, index)) for each in found)


ACCURACY, ERROR = accuracies(RECORD), errors(RECORD, TASKS["tested"])
BEST, (ADDED, CLEAR) = best_simple(RECORD), effects(RECORD)
SEEN = TASKS.index[:-3]  # the last three chose nothing
BEHIND = (of(ACCURACY, BEST) - ACCURACY["network"])[SEEN].clip(lower=0)
EQUAL, WIDE = "frozen, 32 neurons", "frozen, 512 neurons"
AHEAD = {str(model): ahead(RECORD, TASKS["tested"], model) for model in (EQUAL, WIDE)}
AHEAD_OF_SIMPLE = ahead(RECORD, TASKS["tested"], BEST)
tasks, comparisons = len(SEEN), ADDED.size
worse, shortfall = (AHEAD_OF_SIMPLE[SEEN] < -2).sum(), round(BEHIND.mean(), 1)
searched = round((ACCURACY["network"] - ACCURACY["defaults"])[SEEN].mean(), 1)
trained, trained_wide = ((AHEAD[model][SEEN] > 2).sum() for model in (EQUAL, WIDE))
of_gunpoint = ACCURACY.loc["GunPoint", ["defaults", "MiniRocket", "random forest"]]
gunpoint, minirocket, forest = of_gunpoint.map("{:.0f}%".format)
versions = " and ".join(sorted({*TASKS["jax"]}))


def figure_of_tasks() -> None:
    """A row for each task, and what models reach."""
    figure, panel = plt.subplots(figsize=(6, 9.5), layout="constrained")
    rows = np.arange(len(TASKS))[::-1]
    models: dict[str, tuple[Any, str]] = {
        "best simple model": (BEST, "s"),
        "network that the search found": ("network", "o"),
        "network with the defaults": ("defaults", "|"),
        "frozen network of this size": (EQUAL, "x"),
        "frozen network of 512 neurons": (WIDE, "+"),
    }
    for (label, (model, mark)), up in zip(models.items(), np.linspace(0.36, -0.36, 5), strict=True):
        reached, error = of(ACCURACY, model), of(ERROR, model)
        panel.errorbar(reached, rows + up, xerr=error, fmt=mark, ms=3.5, label=label)
    panel.hlines(rows[:-1] - 0.5, 0, 103, color="gray", alpha=0.3, lw=0.8)
    panel.set(yticks=rows, yticklabels=TASKS.index, xlabel="test accuracy (%)", xlim=(15, 103))
    figure.legend(loc="outside upper center", ncols=2)


def figure_of_effects() -> None:
    """What each change adds on each task, as a number and a color."""
    _, panel = plt.subplots(figsize=(6.4, 6.2), layout="constrained")
    panel.imshow(ADDED, "PuOr", vmin=-25, vmax=25, aspect="auto")
    for row, column in np.ndindex(ADDED.shape):
        number, clear = ADDED.iloc[row, column], CLEAR.iloc[row, column]
        style: dict[str, Any] = {"color": "white" if abs(number) > 18 else "black", "fontsize": 9}
        style |= {"weight": "bold" if clear else "normal", "ha": "center", "va": "center"}
        text = f"{number:+.1f}".replace("-", "\N{MINUS SIGN}")
        panel.text(column, row, text, **style)
    panel.set_yticks(np.arange(len(ADDED)), ADDED.index, fontsize=10)
    panel.set_xticks(range(len(ADDED.columns)), ADDED.columns, rotation=40, ha="left", fontsize=10)
    panel.xaxis.tick_top()


def test_training_pays_and_simple_models_are_ahead_on_series_and_manifolds() -> None:
    behind = {*SEEN[AHEAD_OF_SIMPLE[SEEN] < -2]}
    assert sorted(BEST[list(behind)]) == ["MiniRocket"] * 5 + ["nearest spike times"] * 2
    assert (tasks, worse, shortfall, searched, trained, trained_wide) == (20, 7, 4.3, 2.0, 18, 5)
    assert AHEAD[WIDE].index[AHEAD[WIDE] < -2].tolist() == ["Randman, 1-D"]


def test_the_defaults_are_good_and_a_search_adds_much_on_four_tasks() -> None:
    added = (ACCURACY["network"] - ACCURACY["defaults"])[SEEN]
    assert 0 < added.mean() < 5
    assert -1.6 < added.min() < 13 < added.max() < 14.5
    assert (added.median() < 0.5, (added > 2).sum()) == (True, 4)


def test_neurons_help_and_delays_and_adaptation_depend_on_the_task() -> None:
    wider = ADDED.loc["128 neurons, not 32"][CLEAR.loc["128 neurons, not 32"]]
    assert len(wider) == 4
    assert 5 < wider.min() < 9 < wider.max() < 10.5
    both = ["delays, not none", "adaptation in half, not none"]
    clear = ADDED.loc[both].where(CLEAR.loc[both])
    assert clear.max(axis=1).round().tolist() == [13, 18]
    assert clear.min().dropna().round().tolist() == [8, 18, -8]


def test_width_reset_and_recurrence_hardly_matter_and_wide_tails_do() -> None:
    """Standardized rates help on two tasks and a peak of 1 on one; drawn time constants cost accuracy."""
    rows = ["width 2, not 1", "detached reset", "recurrent weights", "fast sigmoid, w = 0.25"]
    assert not CLEAR.loc[rows].any(axis=None)
    some = ADDED.filter(regex="rates|quarters|w = 1.2|peak", axis=0)
    clear = some.to_numpy()[CLEAR.loc[some.index].to_numpy()]
    assert clear.round(1).tolist() == [14.5, 6.1, -10.0, -6.0, -6.7, 4.5]
    assert (CLEAR.loc["dropout, not none"].sum(), ADDED.loc["dropout, not none"].max()) == (3, 0)
    assert CLEAR.filter(like="time constants", axis=0).sum(axis=1).tolist() == [1, 0]
    assert -4 < ADDED.loc["time constants drawn, not equal", "Randman, 1-D"] < -3
    assert {"Randman, 1-D", "Randman, 2-D"} < {*RECORD["task"][RECORD["parts"] == 4]}
