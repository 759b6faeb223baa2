"""Tasks that others made, and what a search makes of them beside other models."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments.classification import TASKS as MEMORY
from experiments.search import SETTINGS, features, lif, numbers, search, signal, spikes
from experiments.surrogates import Surrogate

# Examples, labels, and how many come first, to learn from, if those who made the task divided it
Data = tuple[Any, Any, int | None]


def table(load: Any) -> Data:
    """Features of scikit-learn."""
    return *load(return_X_y=True), None


def yin_yang() -> Data:
    """Points in the yin, the yang and their dots, with mirrored coordinates (Kriener et al. 2022)."""
    points = np.random.default_rng(0).uniform(size=(60_000, 2))
    right, left = (np.hypot(points[:, 0] - x, points[:, 1] - 0.5) for x in (0.75, 0.25))
    yin = (right <= 0.1) | ((left > 0.1) & (left <= 0.25)) | ((points[:, 1] > 0.5) & (right > 0.25))
    label = np.where((right < 0.1) | (left < 0.1), 2, ~yin)
    inside = np.hypot(*(points - 0.5).T) < 0.5
    each = [np.flatnonzero(inside & (label == color))[:2000] for color in range(3)]
    order = np.stack(each, axis=1).ravel()
    return np.hstack([points, 1 - points])[order], label[order], 5000


def mnist_1d() -> Data:
    """Ten shapes, bent, moved and in noise (Greydanus and Kobak 2024)."""
    from mnist1d import get_dataset_args
    from mnist1d.data import make_dataset

    made = make_dataset(get_dataset_args())
    x, y = (np.concatenate([made[part], made[f"{part}_test"]]) for part in "xy")
    return x[..., None], y, 4000


def series(load: str) -> Data:
    """Series that sktime brings, in the two parts of its archive; shorter ones are stretched."""
    from sktime import datasets

    (x, labels), (x_test, labels_test) = (
        getattr(datasets, f"load_{load}")(split=part, return_type="nested_univ")
        for part in ("train", "test")
    )
    rows = [np.stack([*row], axis=1) for row in (*x.to_numpy(), *x_test.to_numpy())]
    steps = max(map(len, rows))
    stretched = [row[np.linspace(0, len(row) - 1, steps).round().astype(int)] for row in rows]
    return np.stack(stretched), np.concatenate([labels, labels_test]), len(x)


def randman(dimensions: int) -> Data:
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
    x = times.reshape(-1, 1, 20) == np.arange(100)[:, None]
    return x, np.repeat(np.arange(10), places), None


def memory(task: str) -> Data:
    """A thousand samples of a task that needs a memory."""
    x, labels = jax.vmap(MEMORY[task].sample)(jax.random.split(jax.random.key(0), 1000))
    return np.asarray(x), np.asarray(labels), None


def random_spikes() -> Data:
    """Digits, whose pixels spike at random."""
    pixels, labels = load_digits(return_X_y=True)
    draws = np.random.default_rng(0).random((len(pixels), 50, 64))
    return draws < 0.02 * pixels[:, None], labels, None


TASKS: dict[str, tuple[Any, Any]] = {
    "Yin-Yang": (features, yin_yang),
    "digits": (features, partial(table, load_digits)),
    "wine": (features, partial(table, load_wine)),
    "breast cancer": (features, partial(table, load_breast_cancer)),
    "MNIST-1D": (signal, mnist_1d),
    "BasicMotions": (signal, partial(series, "basic_motions")),
    "JapaneseVowels": (signal, partial(series, "japanese_vowels")),
    "ItalyPowerDemand": (signal, partial(series, "italy_power_demand")),
    "GunPoint": (signal, partial(series, "gunpoint")),
    "ArrowHead": (signal, partial(series, "arrow_head")),
    "UnitTest": (signal, partial(series, "unit_test")),
    "OSULeaf": (signal, partial(series, "osuleaf")),
    "ACSF1": (signal, partial(series, "acsf1")),
    "Randman, 1-D": (spikes, partial(randman, 1)),
    "Randman, 2-D": (spikes, partial(randman, 2)),
    "two cues": (signal, partial(memory, "two cues")),
    "temporal order": (spikes, partial(memory, "temporal order")),
    "PLAID": (signal, partial(series, "plaid")),
    "digits, random spikes": (spikes, random_spikes),
    "accumulated cues": (spikes, partial(memory, "accumulated cues")),
}
LAST = ["PLAID", "digits, random spikes", "accumulated cues"]  # chosen when the search was finished
DRAWN = {"50 settings": 1.0, "50, twice as wide": 2.0}
MODELS = [
    "search",
    "constants",
    "strong baseline",
    "frozen network",
    "linear model",
    "linear model of sums",
    "largest class",
]
# What the search keeps constant, changed one at a time
CHANGED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "detached reset": {"neuron": partial(lif, reset=jax.lax.stop_gradient)},
    "peak 1": {"peak": 1.0},
    "width 2": {"width": 2.0},
    "batch of 100": {"batch": 100},
    "128 neurons": {"neurons": 128},
    "5 times the updates": {"updates": 2500},
}


def searched(encode: Any) -> Any:
    """The settings that Start values searches."""
    return SETTINGS | {"synapse": [0.82 if encode is spikes else 0.0]}


def fixed(encode: Any) -> Any:
    """The constants that the search has replaced."""
    constants = {"decay": 0.9, "scale": 1.0, "biases": 0.0, "rate": 0.01}
    constants |= {"recurrent": 0.3 if encode is signal else 0.0}
    return searched(encode) | {name: [value] for name, value in constants.items()}


def drawn(encode: Any, stretch: float) -> list[Any]:
    """Fifty settings from the space that is searched, or from one that is wider by a factor."""
    rng, space = np.random.default_rng(0), searched(encode)

    def between(low: float, high: float) -> list[float]:
        middle, half = np.log(low * high) / 2, np.log(high / low) / 2
        return [float(np.exp(middle + stretch * half * rng.uniform(-1, 1)))]

    def one_of(values: list[float], more: float) -> list[float]:
        return [float(rng.choice([*values, more] if stretch > 1 else values))]

    return [
        {
            "decay": [1 - between(0.03, 0.1)[0]],
            "scale": between(1.0, 4.0),
            "rate": between(0.01, 0.03),
            "biases": [float(rng.integers(2))],
            "recurrent": one_of(space["recurrent"], 1.0),
            "synapse": one_of(space["synapse"], 0.9),
        }
        for _ in range(50)
    ]


def baseline(x: Any, labels: Any, learned: Any, tested: Any) -> float:
    """The accuracy of a strong and simple model: a random forest, or MiniRocket for series."""
    model: Any = RandomForestClassifier(500, random_state=0)
    if x.ndim == 3:
        from sktime.transformations.panel.rocket import MiniRocketMultivariate

        rocket = MiniRocketMultivariate(random_state=0).fit(x[learned].swapaxes(1, 2))
        x = np.asarray(rocket.transform(x.swapaxes(1, 2)))
        model = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, 10)))
    return float(model.fit(x[learned], labels[learned]).score(x[tested], labels[tested]))


def trial(
    task: str, models: Sequence[str], updates: int, seeds: int, surrogate: Surrogate
) -> dict[str, Any]:
    """What each model reaches on test data, by seed; of fifty settings, what each of them reaches."""
    encode, load = TASKS[task]
    x, labels, count = load()
    every, x = np.arange(len(x)), numbers(x)
    divide = partial(train_test_split, random_state=0)
    split = np.split(every, [count]) if count else divide(every, test_size=0.2, stratify=labels)
    learn, _ = divide(split[0], test_size=0.25, stratify=labels[split[0]])
    outcomes = dict[str, Any]()

    def found(peak: float = 0.3, width: float = 1.0, **changed: Any) -> Any:
        given = {"updates": updates, "split": split, "spike": surrogate(peak, width / 2)}
        return search(x, labels, encode, **given | changed)

    def accuracies(result: Any, model: str = "network") -> Any:
        return {"test": [float(right[split[1]].mean()) for right in result.right[model]]}

    if {*MODELS, *CHANGED} & {*models}:
        result = found(settings=searched(encode))
        outcomes |= {model: accuracies(result, model) for model in result.right}
        best = result.table.iloc[0][list(SETTINGS)].astype(float)
        outcomes["search"] = outcomes.pop("network") | {"chosen": best.tolist()}
        outcomes["constants"] = accuracies(found(settings=fixed(encode), controls=False))
        outcomes["strong baseline"] = {"test": [baseline(x, labels, *split)]}
        chosen = {name: [value] for name, value in best.items()}
        for model in CHANGED.keys() & set(models):
            changed = CHANGED[model] | {"controls": False}
            outcomes[model] = accuracies(found(settings=chosen, seeds=seeds, **changed))
    for model, stretch in DRAWN.items():
        if model in models:  # judged by the test data, so that this is the most that they can reach
            judged: dict[str, Any] = {"split": (learn, split[1], split[1]), "seeds": 2, "keep": 1.0}
            judged["controls"] = False
            table = found(settings=drawn(encode, stretch), **judged).table
            outcomes[model] = {"test": table["accuracy"].tolist()}
    return outcomes
