"""A search for the settings of a spiking network, and simpler models beside it."""

import os
import time
import warnings

import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedShuffleSplit, check_cv
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import check_array, column_or_1d
from spiking import check_numbers

GRID = {
    "decay": [0.9, 0.97],
    "scale": [1.0, 4.0],
    "bias": [False, True],
    "recurrent": [0.0, 0.3],
    "learning_rate": [0.01, 0.03],
}
SPLITS = StratifiedShuffleSplit(3, test_size=0.25, random_state=0)


class SeriesScaler(StandardScaler):
    """scikit-learn's StandardScaler for each channel of (example, time step, channel)."""

    def fit(self, X, y=None):
        """Find out the mean and the deviation of each channel."""
        X = self._series(X)
        if X.shape[1] < X.shape[2]:
            warnings.warn("X has fewer time steps than channels; if swapped: X.swapaxes(1, 2)")
        return super().fit(X.reshape(-1, X.shape[2]))

    def transform(self, X):
        """Give each channel a mean of 0 and a deviation of 1."""
        X = self._series(X)
        if X.shape[2] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[2]} channels; in fit it had {self.n_features_in_}")
        return super().transform(X.reshape(-1, X.shape[2])).reshape(X.shape)

    def _series(self, X):
        check_numbers(X)
        X = check_array(X, dtype=np.float32, allow_nd=True)
        if X.ndim != 3:
            hint = "; for one channel: X[:, :, None]" if X.ndim == 2 else ""
            raise ValueError(f"X has the shape {X.shape}, not (example, time step, channel){hint}")
        return X


def search(model, X, y, grid=GRID, updates=None, choose_by="neg_log_loss", cv=SPLITS):
    """Train with all settings, then with the best third for longer, and the best on all of X.

    model is a SpikingClassifier, or a pipeline that ends with one; what grid names, and
    updates, replace its own settings. choose_by can also be "accuracy" or
    "balanced_accuracy". Returns scikit-learn's GridSearchCV, which predicts as the network
    that learned from all of X.
    """
    if choose_by not in (known := ["neg_log_loss", "accuracy", "balanced_accuracy"]):
        raise ValueError(f"choose_by must be one of {known}; got {choose_by!r}")
    model = model if isinstance(model, Pipeline) else make_pipeline(model)
    updates = model[-1].updates if updates is None else updates
    y = column_or_1d(y, warn=True)
    prefix, cv = f"{model.steps[-1][0]}__", check_cv(cv, y, classifier=True)
    settings = [{prefix + k: [v] for k, v in one.items()} for one in ParameterGrid(grid)]
    third = -(-len(settings) // 3)
    model = clone(model).set_params(**{f"{prefix}updates": 50}).fit(X, y)  # compiles
    start = time.perf_counter()
    model.fit(X, y)
    trainings = (0.3 * len(settings) + third) * cv.get_n_splits(X, y) / os.cpu_count() + 1
    seconds = (time.perf_counter() - start) * trainings * updates / 50
    print(f"{len(settings)} settings, in about {seconds:.0f} s")
    for share in [0.3, 1.0]:
        model.set_params(**{f"{prefix}updates": max(1, round(share * updates))})
        refit = choose_by if share == 1.0 else False
        found = GridSearchCV(model, settings, scoring=validation_scores, cv=cv, refit=refit)
        with parallel_config("threading", n_jobs=os.cpu_count()):
            found.fit(X, y)
        ranks = found.cv_results_[f"rank_test_{choose_by}"]
        settings = [settings[i] for i in np.argsort(ranks, kind="stable")[:third]]
    advise(found, y, {name.removeprefix(prefix): v for name, v in found.best_params_.items()}, grid)
    return found


def validation_scores(model, X, y):
    """What is measured of each setting on validation data."""
    p = model.predict_proba(X)
    answers = model.classes_[p.argmax(axis=1)]
    return {
        "neg_log_loss": -log_loss(y, p, labels=model.classes_),
        "accuracy": np.mean(answers == y),
        "balanced_accuracy": balanced_accuracy_score(y, answers),
    }


def validation(found, measure):
    """The mean over the splits, of the best setting."""
    return found.cv_results_[f"mean_test_{measure}"][found.best_index_]


def advise(found, y, best, grid):
    """Print the best setting, and what to do if it isn't good."""
    loss, balanced = -validation(found, "neg_log_loss"), validation(found, "balanced_accuracy")
    print("best:", ", ".join(f"{name}={value}" for name, value in best.items()))
    print(f"validation: loss {loss:.2f}, accuracy {validation(found, 'accuracy'):.0%}")
    shares = np.unique(y, return_counts=True)[1] / len(y)
    guessing = -(shares * np.log(shares)).sum()
    if loss > 0.97 * guessing and balanced < 1 / len(shares) + 0.05:
        print(f"Nothing is learned: guessing has a loss of {guessing:.2f}. See Diagnose.")
    network = found.best_estimator_[-1]
    before, last = np.array_split(network.loss_curve_, 5)[-2:]
    if network.updates >= 5 and last.mean() < before.mean() - 0.02 * guessing:
        print(f"The loss still falls: try updates={2 * network.updates}.")
    for name, value in best.items():
        tried = [one.get(name) for one in ParameterGrid(grid)]
        numbers = {one for one in tried if isinstance(one, int | float)}
        if len(numbers) > 2 and value in (min(numbers), max(numbers)):
            print(f"{name}={value} is at the edge of what was tried: try values beyond it.")


class FrozenSpikes(TransformerMixin, BaseEstimator):
    """How often each neuron of an untrained network spikes: features for another model."""

    def __init__(self, network):
        self.network = network

    def fit(self, X, y):
        """Initialize the network."""
        self.network_ = clone(self.network).set_params(updates=0).fit(X, y)
        return self

    def transform(self, X):
        """The share of time steps with a spike, (example, neuron)."""
        return self.network_._apply("means", X)


def flat(X):
    """All numbers of an example in one row."""
    return np.reshape(X, (len(X), -1))


def sums(X):
    """The sum of each channel over time."""
    return np.sum(X, axis=1)


def controls(found, X, y, cv=SPLITS):
    """Simpler models that learn from the same data, scaled in the same way."""
    *scaling, network = found.best_estimator_
    weight, flatten = {"class_weight": network.class_weight}, FunctionTransformer(flat)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, **weight))
    models = {
        "linear model": make_pipeline(*scaling, flatten, linear),
        "random forest": make_pipeline(
            *scaling, flatten, RandomForestClassifier(random_state=0, **weight)
        ),
        "largest class": make_pipeline(*scaling, flatten, DummyClassifier()),
    }
    if np.ndim(X) == 3:
        models["linear model of sums"] = make_pipeline(*scaling, FunctionTransformer(sums), linear)
    grid = {f"frozenspikes__network__{name}": GRID[name] for name in ["decay", "scale"]}
    for neurons in [network.neurons, 16 * network.neurons]:
        frozen = FrozenSpikes(clone(network).set_params(neurons=neurons))
        models[f"frozen, {neurons} neurons"] = GridSearchCV(
            make_pipeline(*scaling, frozen, linear),
            grid,
            scoring=validation_scores,
            cv=cv,
            refit=found.refit,
        )
    y = column_or_1d(y, warn=True)
    with parallel_config("threading", n_jobs=os.cpu_count()):
        return {name: clone(model).fit(X, y) for name, model in models.items()}


def report(models, X, y):
    """The last look: accuracies on test data, and their standard errors over the examples."""
    y, rows, n = column_or_1d(y, warn=True), {}, len(y)
    for name, model in models.items():
        answers = model.predict(X)
        right = np.mean(answers == y)
        q = (right * n + 2) / (n + 4)  # Agresti and Coull: at 100% there is an error, too
        error = np.sqrt(q * (1 - q) / (n + 4))
        rows[name] = [right, error, balanced_accuracy_score(y, answers)]
        if "mean_test_accuracy" in getattr(model, "cv_results_", {}):
            valid = validation(model, "accuracy")
            if valid > right + 0.05 + 2 * error:
                print(f"{name}: {valid:.0%} in validation, but {right:.0%} in the test")
    columns = ["accuracy", "standard error", "balanced accuracy"]
    return pd.DataFrame(rows, index=columns).T
