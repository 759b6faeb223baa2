"""What makes the record of *Results on 23 tasks*: calls of the classifier and search that readers copy.

    nox -s experiments -- record [TASK ...]

trains on these tasks, or on all that the record doesn't have (to begin anew, delete it), and writes down what
each model reaches. `check` trains in the same way, and fails where a model reaches something else.
"""

import os
import sys
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from typing import Any

import jax
import numpy as np
import pandas as pd
from jax.lax import stop_gradient
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from evidence.results import DATA
from evidence.tasks import TASKS, Task, split
from inputs import SeriesScaler
from spiking import SpikingClassifier
from tune import GRID, SPLITS, controls, search, validation_scores

Row = dict[str, Any]
FILE, FILE_OF_TASKS = DATA / "search.csv", DATA / "search_tasks.csv"
PACKAGES = "jax", "optax", "scikit-learn", "sktime", "mnist1d", "pyts"
FEATURES = MinMaxScaler(), StandardScaler(with_std=False)
SCALING = {"features": FEATURES, "signals": (SeriesScaler(),), "spikes": ()}
# These tasks were named before the first run.
COMPARED = ["Yin-Yang", "MNIST-1D", "OSULeaf", "PLAID", "Randman, 1-D", "two cues, pause 80"]
RATES = [0.005, 0.01, 0.02]  # of which each variant has the one with the lowest validation loss


class Drawn(SpikingClassifier):
    """Time constants stay as they were drawn."""

    def dynamics(self, w: Any) -> Any:
        """No gradient reaches them."""
        kept = {name: stop_gradient(w[name]) for name in w if name.startswith("tau")}
        return super().dynamics(w | kept)


class Unscaled(SpikingClassifier):
    """The readout sees rates as they are."""

    def features(self, weights: Any, x: Any, key: Any = None) -> Any:
        """Not standardized."""
        return self.readout(self.hidden(weights, x, key))


class FastSigmoid(SpikingClassifier):
    """The surrogate gradient has tails: a fourth of the peak is left where x is the width."""

    def spike(self, x: Any) -> Any:
        """A step, whose slope is that of a fast sigmoid."""
        smooth = self.peak * x / (1 + abs(x) / self.width)
        return stop_gradient((x >= 0) - smooth) + smooth


# What is trained beside the network that the search found, in which one thing is another
VARIANTS: dict[str, tuple[Any, Row]] = {
    "as found": (SpikingClassifier, {}),
    "drawn time constants": (Drawn, {}),
    "one time constant": (SpikingClassifier, {"tau_min": 10.0, "tau_max": 10.0}),
    "delays": (SpikingClassifier, {"delays": SpikingClassifier.delays}),
    "no delays": (SpikingClassifier, {"delays": (0,)}),
    "adaptation": (SpikingClassifier, {"adaptive": 0.5}),
    "no adaptation": (SpikingClassifier, {"adaptive": 0.0}),
    "one count": (SpikingClassifier, {"parts": 1}),
    "quarters": (SpikingClassifier, {"parts": 4}),
    "rates as they are": (Unscaled, {}),
    "recurrent": (SpikingClassifier, {"recurrent": 0.3}),
    "128 neurons": (SpikingClassifier, {"neurons": 128}),
    "1500 updates": (SpikingClassifier, {"updates": 1500}),
    "dropout": (SpikingClassifier, {"dropout": 0.2}),
    "fast sigmoid": (FastSigmoid, {"width": 0.25}),
    "wide fast sigmoid": (FastSigmoid, {"width": 1.207}),  # half of the peak at 0.5
    "width 2": (SpikingClassifier, {"width": 2.0}),
    "peak 1": (SpikingClassifier, {"peak": 1.0}),
    "detached reset": (SpikingClassifier, {"detach_reset": True}),
}


def pipeline(task: Task, cls: Any = SpikingClassifier, **given: Any) -> Any:
    """The network behind the scaler that *Classify your data* puts before it."""
    synapse = 10.0 if task.kind == "spikes" else 0.0
    weight = "balanced" if task.measure == "balanced_accuracy" else None
    network = cls(**{"tau_synapse": synapse, "class_weight": weight, **given})
    return make_pipeline(*map(clone, SCALING[task.kind]), network)  # threads train at once


def reached(model: Any, task: Task, places: Any = None) -> float:
    """What a trained model reaches on the test examples, or on others."""
    places = task.test if places is None else places
    of = {"accuracy": accuracy_score, "balanced_accuracy": balanced_accuracy_score}
    return float(of[task.measure](task.y[places], model.predict(task.X[places])))


def trained(model: Any, task: Task) -> Row:
    """From three quarters of what is learned from: the validation loss, and what is reached in the test."""
    learn, valid = split(task.learn, task.y, test_size=0.25)
    model.fit(task.X[learn], task.y[learn])
    loss = -validation_scores(model, task.X[valid], task.y[valid])["neg_log_loss"]
    return {"validation": loss, "test": reached(model, task)}


def row(model: str, results: list[Row], **more: Any) -> Row:
    """A row of the record, with what each seed reaches."""
    by_seed = {f"{k} {seed}": one[k] for seed, one in enumerate(results) for k in one}
    return {"model": model, **more, **by_seed}


def variant(name: str, task: Task, setting: Row, seeds: int = 5) -> Row:
    """One thing is another: at the best of three learning rates, with some seeds."""
    cls, other = VARIANTS[name]

    def run(rate: float, seed: int) -> Row:
        settings = {"learning_rate": rate, "random_state": seed, **setting, **other}
        return trained(pipeline(task, cls, **settings), task)

    threads = Parallel(os.cpu_count(), prefer="threads")
    first = threads(delayed(run)(rate, 0) for rate in RATES)
    best = int(np.argmin([one["validation"] for one in first]))
    more = threads(delayed(run)(RATES[best], seed) for seed in range(1, seeds))
    return row(name, [first[best], *more], learning_rate=RATES[best])


def strong(task: Task) -> tuple[str, Any, Task]:
    """A model for series beside those of `controls`, and the task as it sees it."""
    if task.kind == "spikes" and task.X.sum(axis=1).max() == 1:
        times = task.X.argmax(axis=1)
        return "nearest spike times", KNeighborsClassifier(1), replace(task, X=times)
    from sktime.classification.kernel_based import RocketClassifier

    rocket = RocketClassifier(rocket_transform="minirocket", random_state=0)
    return "MiniRocket", rocket, replace(task, X=task.X.swapaxes(1, 2))


def searched(task: Task, seeds: int = 3, **given: Any) -> list[Row]:
    """What the defaults reach, what a search finds, and models beside it."""
    X, y = task.X[task.learn], task.y[task.learn]
    choose = {"choose_by": "balanced_accuracy"} if task.measure == "balanced_accuracy" else {}
    found = search(pipeline(task, **given), X, y, **choose)
    setting = {name: found.best_params_[f"spikingclassifier__{name}"] for name in GRID[0]}
    valid = found.cv_results_[f"mean_test_{task.measure}"][found.best_index_]
    default = [pipeline(task, random_state=seed, **given).fit(X, y) for seed in range(seeds)]
    rows = [
        row("network", [seen(one, task) for one in found.seeds_], validation=valid, **setting),
        row("defaults", [seen(one, task) for one in default]),
    ]
    others = {name: (model, task) for name, model in controls(found, X, y).items()}
    if X.ndim == 3:
        name, model, as_seen = strong(task)
        others[name] = model.fit(as_seen.X[task.learn], y), as_seen
    for name, (model, as_seen) in others.items():
        simple = "frozen" not in name and name != "largest class"
        valid = validated(model, as_seen) if simple else np.nan
        rows.append(row(name, [seen(model, as_seen)], validation=valid))
    return rows


def validated(model: Any, task: Task) -> float:
    """What a model reaches on the validation examples of the search, on average."""
    X, y, reaches = task.X[task.learn], task.y[task.learn], []
    for learn, valid in SPLITS.split(X, y):
        fitted = clone(model).fit(X[learn], y[learn])
        reaches.append(reached(fitted, task, task.learn[valid]))
    return float(np.mean(reaches))


def seen(model: Any, task: Task) -> Row:
    """What a model reaches in training, on up to 1,000 examples, and in the test."""
    some = task.learn[:: -(-len(task.learn) // 1000)]
    return {"train": reached(model, task, some), "test": reached(model, task)}


def train(name: str) -> pd.DataFrame:
    """All that is recorded of a task: a row for each model."""
    print(f"\n{name}", flush=True)
    jax.clear_caches()  # or the programs of all tasks take more memory than a process may map
    task = TASKS[name]()
    rows = searched(task)
    if name in COMPARED:
        setting = {key: rows[0][key] for key in GRID[0]}
        as_found = variant("as found", task, setting)
        for one, (cls, other) in VARIANTS.items():
            same = setting | other == setting and cls is SpikingClassifier
            rows.append(as_found | {"model": one} if same else variant(one, task, setting))
    return pd.DataFrame(rows).assign(task=name)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """What each model reaches in the test, on average, and the standard error over its seeds."""
    tests = rows.filter(like="test ").astype(float)
    each = pd.DataFrame({"mean": tests.mean(axis=1), "error": tests.sem(axis=1).fillna(0)})
    return each.groupby(rows["model"], sort=False).mean()


def effective_number(task: Task) -> float:
    """How many test examples make an error as large: for the mean of the classes' recalls, fewer."""
    _, each = np.unique(task.y[task.test], return_counts=True)
    balanced = task.measure == "balanced_accuracy"
    return len(each) ** 2 / np.sum(1 / each) if balanced else len(task.test)


def record(name: str) -> None:
    """Write down what was trained, in place of what was recorded of this task."""
    made = {"date": date.today(), **{package: version(package) for package in PACKAGES}}
    tested = round(effective_number(TASKS[name]()))
    of_task = pd.DataFrame([{"task": name, "tested": tested, **made}])
    for path, now in [(FILE, train(name)), (FILE_OF_TASKS, of_task)]:
        if path.exists():
            before = pd.read_csv(path)
            now = pd.concat([before[before["task"] != name], now])
        now.to_csv(path, index=False, float_format="%.4g")


def check(name: str, file: Any = FILE) -> list[str]:
    """Train as for the record: the models that differ by more than five points and two errors."""
    before, now = summary(pd.read_csv(file).query("task == @name")), summary(train(name))
    both = before.join(now, how="outer", lsuffix=" recorded", rsuffix=" now")
    print(both.round(3), flush=True)
    bound = 0.05 + 2 * np.hypot(both["error recorded"], both["error now"])
    alike = (both["mean now"] - both["mean recorded"]).abs() <= bound  # not if one is missing
    return [f"{name}: {model}" for model in both.index[~alike]]


def main(command: str = "", *names: str) -> None:
    """Record or check, one task after the other."""
    if command not in ("record", "check") or {*names} - {*TASKS}:
        sys.exit(f"{__doc__}\nTasks: {', '.join(TASKS)}")
    done = pd.read_csv(FILE)["task"].unique() if command == "record" and FILE.exists() else []
    names = names or tuple(name for name in TASKS if name not in done)
    if command == "record":
        for name in names:
            record(name)
    elif apart := [model for name in names for model in check(name)]:
        sys.exit("Other results than recorded: " + "; ".join(apart))


if __name__ == "__main__":
    main(*sys.argv[1:])
