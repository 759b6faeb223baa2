"""What an experiment is, and how it runs.

An experiment is data. The whole of a small one:

    def draw(key, case, updates):  # what a seed draws
        keys = jax.random.split(key)
        return jax.random.normal(keys[0], (20,)), jax.random.normal(keys[1], (updates, 50, 20))

    def trial(drawn, case, surrogate):  # outcomes after a fifth of the updates, and after all
        weights, batches = drawn
        neuron = Neuron(surrogate(case["peak"], 0.5), attached=case["reset"])
        def loss(weights, inputs):
            return (layer(neuron, inputs @ weights).spikes.mean() - 0.2) ** 2
        weights, losses = train(loss, weights, case, batches)
        return {"error": jax.vmap(lambda w: loss(w, batches[0]))(weights)}

    "rate": Experiment(
        "Which peak lets a neuron learn a firing rate?",
        cases(peak=[0.3, 1.0], reset=RESET, how=rates("SGD", 0.1, 1.0)), by=("peak", "reset"),
        draw=draw, trial=trial, outcomes=("error",), best="lowest")

Add it to `catalogue.py`, where most have the draw and the trial of `classification.py`. In a case,
floats and the words of TRACED are traced, so that one program serves all of them; for each other word
and integer a program is compiled. An experiment can name more words that are traced, as their index.
"""

import datetime
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from itertools import product
from multiprocessing import current_process
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from experiments import classification
from experiments.network import Case
from experiments.surrogates import SHAPES, Surrogate, triangle
from relugrad import ReluGrad

TRACED = {"reset": ("detached", "attached"), "optimizer": ("SGD", "Adam")}  # as 0 and 1
RESET = TRACED["reset"]
three_digits = np.vectorize(lambda value: float(f"{value:.3g}"))
OURS: Any = ReluGrad()
DEFAULT = {"peak": OURS.alpha * OURS.width, "width": OURS.width, "reset": "attached"}


@dataclass(frozen=True)
class Experiment:
    """A question, the cases that it's put to, and how its outcomes are read."""

    question: str
    cases: Sequence[Case]
    by: tuple[str, ...]  # reported is the outcome for each combination of these settings,
    tuned: tuple[str, ...] = ("enlarged", "optimizer", "rate")  # at the best, averaged over others
    draw: Callable[[Array, Case, int], Any] = classification.draw
    trial: Callable[[Any, Case, Surrogate], Mapping[str, Array]] = classification.trial
    seeds: int = 8
    updates: int = 500  # with outcomes after a fifth of them, and after all
    outcomes: tuple[str, ...] = ("accuracy",)  # what is recorded; the first is reported
    best: Literal["highest", "lowest"] = "highest"
    chosen_by: str = ""  # the outcome that chooses; without, the first
    traced: Mapping[str, Sequence[str]] = field(default_factory=dict)  # words as their index
    sampled: tuple[int, int, int] = 2, 4, 6  # programs, cases of each, and seeds for `check`


def cases(**settings: Iterable[Any]) -> list[dict[str, Any]]:
    """All combinations; a setting of several columns is a list of mappings."""
    parts = [
        [one if isinstance(one, Mapping) else {name: one} for one in values]
        for name, values in settings.items()
    ]
    return [{k: v for part in parts_of for k, v in part.items()} for parts_of in product(*parts)]


def rates(optimizer: str, *values: float) -> list[dict[str, Any]]:
    """An optimizer at each of these learning rates."""
    return [{"optimizer": optimizer, "rate": value} for value in values]


def programs_of(one: Experiment) -> dict[Any, list[Case]]:
    """The cases that one program serves, by what it has fixed and by the names of their settings."""
    words, served = {*TRACED, *one.traced}, dict[Any, list[Case]]()
    for case in one.cases:
        fixed = {k: v for k, v in case.items() if k not in words and not isinstance(v, float)}
        served.setdefault((tuple(fixed.items()), tuple(case)), []).append(case)
    return served


def part(one: Experiment, updates: int, programs: int, cases: int, seeds: int) -> Experiment:
    """A shorter training, with the first seeds, of a few cases of a few programs."""
    few = spaced(list(programs_of(one).values()), programs)
    kept = [case for served in few for case in spaced(served, cases)]
    return replace(one, cases=kept, seeds=min(one.seeds, seeds), updates=updates)


def spaced(items: Sequence[Any], most: int) -> Sequence[Any]:
    """At most so many of them, evenly spaced."""
    return items[:: -(-len(items) // most)]


def run(one: Experiment, surrogate: Surrogate) -> dict[str, Any]:
    """The record of an experiment."""
    from tqdm import tqdm  # here, because the pages read the record without it

    start, rows = time.perf_counter(), list[dict[str, Any]]()
    words = {**TRACED, **one.traced}
    index = {word: number for of_name in words.values() for number, word in enumerate(of_name)}
    keys = jax.random.split(jax.random.key(0), one.seeds)
    if surrogate is not triangle:  # without the cases that have a shape of their own
        triangles = [case for case in one.cases if case.get("shape", "triangle") == "triangle"]
        one = replace(one, cases=triangles)
    place = (current_process()._identity or [1])[0] - 1
    bar = tqdm(desc=one.question, total=len(one.cases), unit="case", position=place, disable=None)
    for (fixed_items, names), cases in programs_of(one).items():
        fixed = dict(fixed_items)
        varied = [name for name in names if name not in fixed]
        traced = {of: jnp.array([index.get(c[of], c[of]) for c in cases]) for of in varied}
        # Outside the program: what one program draws is compiled already when the next one does.
        drawn = jax.vmap(lambda key: one.draw(key, fixed, one.updates))(keys)  # noqa: B023
        program = partial(trials, one, SHAPES.get(fixed.get("shape"), surrogate), fixed)
        found = jax.device_get(jax.jit(program)(drawn, traced))
        for number, case in enumerate(cases):
            for place, length in enumerate([one.updates // 5, one.updates]):
                outcomes = {name: found[name][number, :, place] for name in one.outcomes}
                of_seeds = {name: three_digits(of).tolist() for name, of in outcomes.items()}
                rows.append({**case, "updates": length, **of_seeds})
        bar.update(len(cases))
    texts = "question updates best by tuned chosen_by seeds"
    return {name: getattr(one, name) for name in texts.split()} | {
        "outcome": one.outcomes[0],
        "date": str(datetime.date.today()),
        "seconds": round(time.perf_counter() - start),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "device": jax.devices()[0].platform,
        "versions": {name: version(name) for name in ("relugrad", "jax", "optax", "scikit-learn")},
        "rows": rows,
    }


def trials(one: Experiment, surrogate: Surrogate, fixed: Case, drawn: Any, traced: Any) -> Any:
    """The outcomes of all traced cases (the first axis) and seeds (the second)."""

    def of_case(case: Case) -> Any:
        def of_seed(seed: Any) -> Any:
            found = one.trial(seed, {**fixed, **case}, surrogate)
            return {name: found[name] for name in one.outcomes}

        return jax.lax.map(of_seed, drawn)

    return jax.lax.map(of_case, traced)  # one after the other: faster than a vmap
