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

    EXPERIMENT = Experiment(
        name="rate", question="Which peak lets a neuron learn a firing rate?",
        drawn="A seed draws the inputs and the weights.",
        cases=cases(peak=[0.3, 1.0], reset=RESET, how=[*rates("SGD", 0.1, 1.0)]),
        draw=draw, trial=trial, seeds=20, updates=500, outcome="error", best="lowest",
        by=("peak", "reset"), tuned=("optimizer", "rate"))

Add it to `registry.py`. In a case, floats and the words of TRACED are traced, so that one
program serves all of them; for each other word and integer a program is compiled. An experiment can name
more words that are traced, as their index.
"""

import datetime
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from itertools import product
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from experiments.surrogates import SHAPES, Surrogate, triangle

Case = Mapping[str, Any]
TRACED = {"reset": ("detached", "attached"), "optimizer": ("SGD", "Adam")}  # as 0 and 1
RESET = TRACED["reset"]
PACKAGES = ["relugrad", "jax", "optax", "scikit-learn"]


@dataclass(frozen=True)
class Experiment:
    """A question, the cases that it's put to, and how its outcomes are read."""

    name: str
    question: str
    drawn: str  # what a seed draws, in words
    cases: Sequence[Case]
    draw: Callable[[Array, Case, int], Any]
    trial: Callable[[Any, Case, Surrogate], Mapping[str, Array]]
    seeds: int
    updates: int  # with outcomes after a fifth of them, and after all; or 0 without a training
    outcome: str  # what is reported ...
    best: Literal["highest", "lowest"]
    by: tuple[str, ...]  # ... for each combination of these settings,
    tuned: tuple[str, ...]  # at the best of these, and as a mean over all others
    chosen_by: str = (
        ""  # the outcome that chooses; without, half of the seeds choose for the others
    )
    length: str = "updates"
    words: Mapping[str, str] = field(default_factory=dict)  # for what is shorter in the record
    traced: Mapping[str, Sequence[str]] = field(default_factory=dict)  # words as their index
    at_once: int | None = None  # cases
    in_turn: bool = False  # seeds one after the other: faster where one fills the cache
    kept: tuple[str, ...] = ()  # which outcomes; without, all


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


def run(one: Experiment, surrogate: Surrogate, quick: bool) -> dict[str, Any]:
    """The record of an experiment. `quick` tries two seeds and cases of each program, five updates."""
    start, rows = time.perf_counter(), list[dict[str, Any]]()
    words = {**TRACED, **one.traced}
    updates, seeds = (min(5, one.updates), 2) if quick else (one.updates, one.seeds)
    keys = jax.random.split(jax.random.key(0), seeds)
    programs: dict[Any, list[Case]] = {}
    for case in one.cases:
        if surrogate is not triangle and case.get("shape", "triangle") != "triangle":
            continue  # it brings its own
        fixed = {k: v for k, v in case.items() if k not in words and not isinstance(v, float)}
        programs.setdefault((tuple(fixed.items()), tuple(case)), []).append(case)
    for (fixed_items, names), cases in programs.items():
        fixed, cases = dict(fixed_items), cases[: 2 if quick else None]
        traced = {"case": jnp.arange(len(cases))}
        for name in set(names) - set(fixed):
            values = [case[name] for case in cases]
            if name in words:
                values = [words[name].index(word) for word in values]
            traced[name] = jnp.array(values)
        used = SHAPES.get(fixed.get("shape"), surrogate)
        program = partial(outcomes, one, used, fixed, updates)
        found = {
            name: np.asarray(values) for name, values in jax.jit(program)(keys, traced).items()
        }
        for index, case in enumerate(cases):
            for place, length in enumerate([updates // 5, updates] if updates else [0]):
                kept = one.kept or found
                of_seeds = {name: plain(found[name][index, :, place]) for name in kept}
                rows.append({**case, one.length: length} | of_seeds)
    texts = "name question drawn updates outcome best by tuned chosen_by length words"
    return {name: getattr(one, name) for name in texts.split()} | {
        "seeds": seeds,
        "date": str(datetime.date.today()),
        "seconds": round(time.perf_counter() - start),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "device": jax.devices()[0].platform,
        "versions": {package: version(package) for package in PACKAGES},
        "rows": rows,
    }


def outcomes(
    one: Experiment, surrogate: Surrogate, fixed: Case, updates: int, keys: Array, traced: Any
) -> Any:
    """Of all traced cases (the first axis) and seeds (the second)."""
    drawn = jax.vmap(lambda key: one.draw(key, fixed, updates))(keys)

    def of_case(case: Case) -> Any:
        def of_seed(seed: Any) -> Any:
            return one.trial(seed, {**fixed, **case}, surrogate)

        return jax.lax.map(of_seed, drawn) if one.in_turn else jax.vmap(of_seed)(drawn)

    return jax.lax.map(of_case, traced, batch_size=one.at_once)


def plain(values: Any) -> Any:
    """A value for JSON; of an array, three digits."""
    if not isinstance(values, np.ndarray):
        return values
    digits = [float(f"{one:.3g}") for one in values.tolist()]
    return [int(one) if one.is_integer() else one for one in digits]
