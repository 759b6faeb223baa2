"""A search for the settings of a spiking network, and simpler models beside it."""

import time
import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from joblib import cpu_count, parallel_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import balanced_accuracy_score, log_loss, recall_score
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import column_or_1d, resample
from inputs import checked_splits

GRID = [  # four kinds of networks; the last is for data in which the times of spikes matter
    {"delays": [(0,)], "adaptive": [0.0, 0.5], "parts": [1]},
    {"delays": [(0, 1, 2, 4, 8, 16)], "adaptive": [0.5], "parts": [1]},
    {"delays": [(0, 1, 2, 4, 8, 16)], "adaptive": [0.0], "parts": [4]},
]
SEEDS = 3  # with how many the best network is trained
SPLITS = StratifiedShuffleSplit(3, test_size=0.25, random_state=0)


def search(model, X, y, grid=GRID, updates=None, choose_by="neg_log_loss", cv=SPLITS):
    """Find good settings, and train with the best on all of X. An error in a training ends it.

    ``model`` is a SpikingClassifier, or a pipeline that ends with one. ``grid``, as in
    scikit-learn's ParameterGrid, and ``updates`` override its settings. More than three settings
    get 30% of the updates, and the best third, rounded up, all of them. ``choose_by``, a score of
    validation examples, can also be ``"accuracy"`` or ``"balanced_accuracy"``. ``cv`` is as in
    GridSearchCV; by default, it is three random splits, with a quarter of the examples each.

    Returns a fitted GridSearchCV. Its ``score`` is the ``choose_by`` score, by default the
    negative log loss. ``seeds_`` holds its best estimator and two copies trained with other seeds.
    """
    if choose_by not in (known := ["neg_log_loss", "accuracy", "balanced_accuracy"]):
        raise ValueError(f"choose_by must be one of {known}; got {choose_by!r}")
    model = model if isinstance(model, Pipeline) else make_pipeline(model)
    updates = model[-1].updates if updates is None else updates
    y = column_or_1d(y, warn=True)
    prefix, cv = f"{model.steps[-1][0]}__", checked_splits(cv, X, y)
    settings = [{"updates": updates} | one for one in ParameterGrid(grid)]
    kept = len(settings) if len(settings) <= 3 else -(-len(settings) // 3)
    widest = max(settings, key=lambda one: one.get("neurons", 0)) | {"updates": 50}
    short = clone(model).set_params(**{prefix + name: value for name, value in widest.items()})
    seconds = seconds_of_search(short, X, y, settings, kept, len(cv))
    print(f"{len(settings)} settings will take {seconds:.0f} s or more")
    how = {"scoring": validation_scores, "cv": cv, "error_score": "raise"}
    for share in [0.3, 1.0] if kept < len(settings) else [1.0]:
        some = [one | {"updates": max(1, round(share * one["updates"]))} for one in settings]
        candidates = [{prefix + name: [value] for name, value in one.items()} for one in some]
        last = {"refit": choose_by, "return_train_score": True} if share == 1 else {"refit": False}
        found = GridSearchCV(model, candidates, **how, **last)
        with parallel_config("threading", n_jobs=cpu_count()):
            found.fit(X, y)
        ranks = found.cv_results_[f"rank_test_{choose_by}"]
        settings = [settings[i] for i in np.argsort(ranks, kind="stable")[:kept]]
    found.seeds_ = [found.best_estimator_, *with_other_seeds(found.best_estimator_, X, y)]
    try:
        advise(found, settings[0])
    except Exception as error:  # what was trained must not be lost
        warnings.warn(f"no advice: {error!r}")
    return found


def seconds_of(model, X, y):
    """How long a training takes; the first one compiles."""
    start = time.perf_counter()
    clone(model).fit(X, y)
    return time.perf_counter() - start


def seconds_of_search(short, X, y, settings, kept, splits):
    """What 50 updates tell of the time that a search takes."""
    first, again = seconds_of(short, X, y), seconds_of(short, X, y)
    again *= np.mean([one["updates"] for one in settings]) / 50
    # JAX compiles a program for all values of a float but 0.
    programs = {str([v for v in one.values() if type(v) is not float or not v]) for one in settings}
    trainings = (kept + 0.3 * len(settings) * (kept < len(settings))) * splits
    return (first * len(programs) + again * trainings) / cpu_count() + again * SEEDS


def with_other_seeds(model, X, y):
    """The same network, trained from other initial weights with other batches."""
    seed = model[-1].random_state
    seeds = [(seed if isinstance(seed, Integral) else 0) + more for more in range(1, SEEDS)]
    name = f"{model.steps[-1][0]}__random_state"
    return [clone(model).set_params(**{name: seed}).fit(X, y) for seed in seeds]


def validation_scores(model, X, y):
    """What is measured of each setting on validation data."""
    p = model.predict_proba(X)
    answers = model.classes_[p.argmax(axis=1)]
    return {
        "neg_log_loss": -log_loss(y, p, labels=model.classes_),
        "accuracy": np.mean(answers == y),
        # Of the classes that are there: a rare one may be missing
        "balanced_accuracy": recall_score(y, answers, labels=np.unique(y), average="macro"),
    }


def best_score(found, score):
    """The mean over the splits, of the best setting; score is "test_accuracy", for example."""
    return found.cv_results_[f"mean_{score}"][found.best_index_]


def advise(found, best):
    """Print the best setting, and what to do if it isn't good."""
    loss = -best_score(found, "test_neg_log_loss")
    train, valid = best_score(found, "train_accuracy"), best_score(found, "test_accuracy")
    print("best:", ", ".join(f"{name}={value}" for name, value in best.items()))
    print(f"accuracy: training {train:.0%}, validation {valid:.0%} (loss {loss:.2f})")
    classes, network = len(found.classes_), found.best_estimator_[-1]
    wide = ["neurons=128"] if network.neurons < 128 and "neurons" not in best else []
    if best_score(found, "train_balanced_accuracy") < 1 / classes + 0.05:
        print("Nothing is learned. See Diagnose.")
    elif train < 0.9 and valid > train - 0.1:
        print("It underfits: try", ", then ".join([*wide, f"updates={3 * network.updates}."]))
    elif valid < train - 0.1:
        print("It overfits: try", " or ".join(["more examples", "fewer features", *wide]) + ".")


class Frozen(TransformerMixin, BaseEstimator):
    """What the readout of an untrained network reads: features for another model."""

    def __init__(self, network):
        self.network = network

    def fit(self, X, y):
        """Initialize the network."""
        self.network_ = clone(self.network).set_params(updates=0).fit(X, y)
        return self

    def transform(self, X):
        """The features, such as how often each neuron spikes, (example, feature)."""
        return self.network_._apply("features", X)


def flat(X):
    """All numbers of an example in one row."""
    return np.reshape(X, (len(X), -1))


def sums(X):
    """The sum of each channel over time."""
    return np.sum(X, axis=1)


def controls(found, X, y):
    """Train simpler models on the data that search got, scaled in the same way.

    Returns a dict of models by name: a linear model and, for series, one that sees only the sum
    of each channel; a random forest; one that always answers with the largest class; and two
    frozen networks, with as many neurons as the network found and with 16 times as many. Their
    hidden weights stay as they were drawn, and a linear model reads their rates.
    """
    *scaling, network = found.best_estimator_
    weight, flatten = {"class_weight": network.class_weight}, FunctionTransformer(flat)
    linear = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(-2, 4, 7), **weight))
    forest = RandomForestClassifier(random_state=0, **weight)
    models = {
        "linear model": make_pipeline(*scaling, flatten, linear),
        "random forest": make_pipeline(*scaling, flatten, forest),
        "largest class": make_pipeline(*scaling, flatten, DummyClassifier()),
    }
    if np.ndim(X) == 3:
        models["linear model of sums"] = make_pipeline(*scaling, FunctionTransformer(sums), linear)
    for neurons in [network.neurons, 16 * network.neurons]:
        frozen = Frozen(clone(network).set_params(neurons=neurons))
        models[f"frozen, {neurons} neurons"] = make_pipeline(*scaling, frozen, linear)
    y = column_or_1d(y, warn=True)
    some = resample(X, y, n_samples=200, random_state=0)
    slowest = seconds_of(make_pipeline(*scaling, frozen), *some) * (1 + len(y) / 200)
    print(f"{len(models)} simpler models will take {slowest:.0f} s or more")
    return {name: clone(model).fit(X, y) for name, model in models.items()}


def report(models, X, y):
    """Evaluate models on test data: once, at the very end.

    ``models`` is a dict by name: what search returned, those of controls, or any of
    scikit-learn's. Returns a DataFrame with a row for each: the accuracy, its standard error, and
    the mean accuracy of the classes (balanced). Results of models with several seeds are
    averaged; the error covers both the test examples and the seeds, and isn't 0 at 100%.
    """
    y, rows, n = column_or_1d(y, warn=True), {}, len(y)
    for name, model in models.items():
        answers = [one.predict(X) for one in getattr(model, "seeds_", [model])]
        right = [np.mean(each == y) for each in answers]
        q = (np.mean(right) * n + 2) / (n + 4)  # Agresti and Coull: at 100% there is an error, too
        of_seeds = np.var(right, ddof=1) / len(right) if len(right) > 1 else 0.0
        error = np.sqrt(q * (1 - q) / (n + 4) + of_seeds)
        balanced = np.mean([balanced_accuracy_score(y, each) for each in answers])
        rows[name] = [np.mean(right), error, balanced]
    columns = ["accuracy", "standard error", "balanced accuracy"]
    return pd.DataFrame(rows, index=columns).T
