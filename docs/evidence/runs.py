"""What makes the record of *What the search found*: calls of `spiking.py` and `tune.py`.

    nox -s experiments -- record [TASK ...]

trains on these tasks, or on all that the record doesn't have (to begin anew, delete it), and writes down what
each model reaches. `check` trains in the same way, and fails where a model reaches something else.
"""

import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, ParameterGrid, ParameterSampler
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from evidence.tasks import TASKS, Task, split
from inputs import SeriesScaler
from spiking import SpikingClassifier
from tune import GRID, controls, search, validation_scores

Row = dict[str, Any]
DATA = Path(__file__).parents[1] / "_data"
FILE, FILE_OF_TASKS = DATA / "search.csv", DATA / "search_tasks.csv"
PACKAGES = "jax", "optax", "scikit-learn", "sktime", "mnist1d"
FEATURES = MinMaxScaler(), StandardScaler(with_std=False)
SCALING = {"features": FEATURES, "signals": (SeriesScaler(),), "spikes": ()}
# These tasks were named before the first run.
EFFECTS = ["Yin-Yang", "MNIST-1D", "JapaneseVowels", "Randman, 1-D"]
EFFECTS += ["two cues, pause 80", "accumulated cues"]
COLUMNS = {"width": [1.0, 2.0], "peak": [0.3, 1.0], "detach_reset": [False, True]}
COLUMNS |= {"recurrent": [0.0, 0.3], "decay": [0.9, 0.97]}
DRAWN = ["Yin-Yang", "digits", "wide table", "imbalanced table", "MNIST-1D", "GunPoint"]
DRAWN += ["Randman, 1-D", "two cues, pause 20", "temporal order", "accumulated cues"]
# On a logarithmic scale, twice as wide as what is searched
SPACE: Row = {"bias": [False, True], "recurrent": [0.0, 0.1, 0.3, 1.0]}
SPACE |= {"decay": 1 - np.geomspace(0.0164, 0.183, 99), "scale": np.geomspace(0.5, 8, 99)}
SPACE |= {"learning_rate": np.geomspace(0.00577, 0.052, 99)}


@dataclass(eq=False, repr=False)
class AdaptiveClassifier(SpikingClassifier):
    """Neurons whose threshold rises with each spike, as on the page *Hyperparameters*."""

    rise: float = 0.2
    slow: float = 0.97

    def rest(self, current: Any) -> Any:
        """No rise."""
        return *super().rest(current), jnp.zeros_like(current)

    def neuron(self, w: Any, state: Any, current: Any) -> Any:
        """The spikes of this step raise the threshold of the next."""
        v, i, s, a = state
        i = self.synapse * i + (1 - self.synapse) * current
        v = self.decay * v + i + s @ w["recurrent"]
        s = self.spike(v - 1.0 - a)
        return (self.reset(v, s), i, s, self.slow * a + self.rise * s), (s, v)


def pipeline(task: Task, cls: Any = SpikingClassifier, **given: Any) -> Any:
    """The network behind the scaler that *Classify your data* puts before it."""
    synapse = 0.82 if task.kind == "spikes" else 0.0
    weight = "balanced" if task.measure == "balanced_accuracy" else None
    return make_pipeline(*SCALING[task.kind], cls(synapse=synapse, class_weight=weight, **given))


def reached(model: Any, task: Task) -> float:
    """What a trained model reaches on the test examples."""
    of = {"accuracy": accuracy_score, "balanced_accuracy": balanced_accuracy_score}
    return float(of[task.measure](task.y[task.test], model.predict(task.X[task.test])))


def trained(model: Any, settings: Sequence[Row], task: Task, learn: Any, valid: Any) -> Any:
    """With each setting, the loss on the validation examples, and what is reached in the test."""

    def both(model: Any, X: Any, y: Any) -> dict[str, float]:
        return {
            "loss": -validation_scores(model, X, y)["neg_log_loss"],
            "test": reached(model, task),
        }

    prefix = f"{model.steps[-1][0]}__"
    grid = [{prefix + name: [value] for name, value in one.items()} for one in settings]
    table = GridSearchCV(model, grid, scoring=both, cv=[(learn, valid)], refit=False)
    with parallel_config("threading", n_jobs=os.cpu_count()):
        found = table.fit(task.X, task.y).cv_results_
    return found["mean_test_loss"], found["mean_test_test"]


def by_seed(name: str, model: Any, settings: Sequence[Row], task: Task, seeds: int) -> list[Row]:
    """A row for each setting, trained with each seed on three quarters of what is learned from."""
    every = [one | {"random_state": seed} for one in settings for seed in range(seeds)]
    parts = split(task.learn, task.y, test_size=0.25)
    losses, tests = (np.split(x, len(settings)) for x in trained(model, every, task, *parts))
    return [row(name, *one) for one in zip(tests, losses, settings, strict=True)]


def row(model: str, tests: Any, validations: Any = (), setting: Row | None = None) -> Row:
    """A row of the record, with what each seed reaches."""
    valid = {f"validation {seed}": value for seed, value in enumerate(validations)}
    test = {f"test {seed}": value for seed, value in enumerate(tests)}
    return {"model": model, **(setting or {}), **valid, **test}


def baseline(task: Task) -> tuple[str, float]:
    """A strong model beside the forest of `controls`: random kernels, or the nearest spike times."""
    if task.kind == "spikes" and task.X.sum(axis=1).max() == 1:
        name, model = "nearest spike times", KNeighborsClassifier(1)
        task = replace(task, X=task.X.argmax(axis=1))
    else:
        from sktime.classification.kernel_based import RocketClassifier

        name, model = "MiniRocket", RocketClassifier(rocket_transform="minirocket", random_state=0)
        task = replace(task, X=task.X.swapaxes(1, 2))
    return name, reached(model.fit(task.X[task.learn], task.y[task.learn]), task)


def searched(task: Task, updates: int = 500, seeds: int = 3) -> list[Row]:
    """What a search finds, the network that it chooses with other seeds, and the controls."""
    X, y = task.X[task.learn], task.y[task.learn]
    choose = {"choose_by": "balanced_accuracy"} if task.measure == "balanced_accuracy" else {}
    found = search(pipeline(task), X, y, updates=updates, **choose)
    setting = {name.split("__")[1]: value for name, value in found.best_params_.items()}
    again = [setting | {"random_state": seed} for seed in range(seeds)]
    _, tests = trained(pipeline(task, updates=updates), again, task, task.learn, task.test)
    validation = found.cv_results_[f"mean_test_{task.measure}"][found.best_index_]
    others = {name: reached(other, task) for name, other in controls(found, X, y).items()}
    others |= dict([baseline(task)]) if X.ndim == 3 else {}
    rows = [row(name, [test]) for name, test in others.items()]
    return [row("network", tests, [validation], setting), *rows]


def effects(task: Task, setting: Row, updates: int = 500, seeds: int = 5) -> list[Row]:
    """A grid of what may matter, and three changes of the network that the search found."""
    rest = {name: value for name, value in setting.items() if name not in COLUMNS}
    grid = pipeline(task, updates=updates, **rest)
    rows = by_seed("grid", grid, [*ParameterGrid(COLUMNS)], task, seeds)
    changes = {
        "as found": pipeline(task, updates=updates, **setting),
        "adaptation": pipeline(task, AdaptiveClassifier, updates=updates, **setting),
        "five times the updates": pipeline(task, updates=5 * updates, **setting),
        "128 neurons": pipeline(task, updates=updates, neurons=128, **setting),
    }
    for name, model in changes.items():
        rows += by_seed(name, model, [{}], task, seeds)
    return rows


def drawn(task: Task, count: int = 50, seeds: int = 2) -> list[Row]:
    """The best, by the test itself, of settings at random: about the most that they can reach."""
    settings = [*ParameterSampler(SPACE, count, random_state=0)]
    every = [one | {"random_state": seed} for one in settings for seed in range(seeds)]
    _, tests = trained(pipeline(task), every, task, task.learn, task.test)
    tests = np.split(tests, count)
    best = int(np.nanargmax(np.mean(tests, axis=1)))
    return [row("best of 50", tests[best], (), settings[best])]


def train(name: str) -> pd.DataFrame:
    """All that is recorded of a task: a row for each model and setting."""
    print(f"\n{name}", flush=True)
    task = TASKS[name]()
    rows = searched(task)
    setting = {key: rows[0][key] for key in GRID}
    rows += effects(task, setting) if name in EFFECTS else []
    rows += drawn(task) if name in DRAWN else []
    return pd.DataFrame(rows).assign(task=name)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """What each model reaches in the test, on average, and the standard error over its seeds."""
    tests = rows.filter(like="test ")
    each = pd.DataFrame({"mean": tests.mean(axis=1), "error": tests.sem(axis=1).fillna(0)})
    return each.groupby(rows["model"], sort=False).mean()


def record(name: str, file: Path = FILE, file_of_tasks: Path = FILE_OF_TASKS) -> None:
    """Write down what was trained, in place of what was recorded of this task."""
    made = {"date": date.today(), **{package: version(package) for package in PACKAGES}}
    of_task = pd.DataFrame([{"task": name, "tested": len(TASKS[name]().test), **made}])
    for path, now in [(file, train(name)), (file_of_tasks, of_task)]:
        if path.exists():
            before = pd.read_csv(path)
            now = pd.concat([before[before["task"] != name], now])
        now.to_csv(path, index=False, float_format="%.4g")


def check(name: str, file: Path = FILE) -> list[str]:
    """Train as for the record: the models that differ by more than five points and two errors."""
    before, now = summary(pd.read_csv(file).query("task == @name")), summary(train(name))
    both = before.join(now, how="outer", lsuffix=" recorded", rsuffix=" now")
    print(both.round(3), flush=True)
    bound = 0.05 + 2 * np.hypot(both["error recorded"], both["error now"])
    alike = (both["mean now"] - both["mean recorded"]).abs() <= bound  # not if one is missing
    return [f"{name}: {model}" for model in both.index[~alike]]


def main(command: str = "", *names: str) -> None:
    """Record or check, one task after the other."""
    warnings.filterwarnings("ignore", "[0-9]+ time steps are averaged")
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
