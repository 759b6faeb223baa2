"""What an experiment is, and how it runs.

An experiment is data in `catalogue.py`, and a module that has its program. The whole of a small one:

    def draw(key, case, updates):  # what a seed draws
        keys = jax.random.split(key)
        return jax.random.normal(keys[0], (20,)), jax.random.normal(keys[1], (updates, 50, 20))

    def trial(drawn, case, surrogate):  # outcomes after a fifth of the updates, and after all
        weights, batches = drawn
        neuron = Neuron(surrogate(case["peak"], 0.5), attached=case["reset"])
        def right(weights, inputs):
            return (layer(neuron, inputs @ weights).spikes.sum(0) > 0).mean()
        weights = train(lambda *given: (right(*given) - 0.2) ** 2, weights, case, batches)
        accuracy = jax.vmap(lambda w: right(w, batches[0]))(weights)
        return {"test": accuracy, "valid": accuracy}

    "rate": Experiment(
        "Which peak lets a neuron learn a firing rate?",
        program=rate,  # the module
        cases=cases(peak=[0.3, 1.0], reset=RESET, how=rates("SGD", 0.1, 1.0)),
        by=("peak", "reset"))

In a case, floats and the words of TRACED are traced, so that one program serves all of them; for each
other word and integer a program is compiled.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, product
from operator import itemgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.network import Case
from experiments.surrogates import SHAPES, Surrogate
from relugrad import ReluGrad

TRACED = {"reset": ("detached", "attached"), "optimizer": ("SGD", "Adam")}  # as 0 and 1
RESET = TRACED["reset"]
INDEX: dict[Any, int] = {word: i for words in TRACED.values() for i, word in enumerate(words)}
OURS: Any = ReluGrad()
DEFAULT = {"peak": OURS.alpha * OURS.width, "width": OURS.width, "reset": "attached"}
three_digits = np.vectorize(lambda value: float(f"{value:.3g}"))


@dataclass(frozen=True)
class Experiment:
    """A question, the cases that it's put to, and how its outcomes are read."""

    question: str
    program: Any  # a module with `draw` and `trial`
    cases: Sequence[Case]
    by: tuple[str, ...]  # the first outcome is reported for each combination of these settings,
    tuned: tuple[str, ...] = ("optimizer", "rate")  # at the best of these, averaged over others
    outcomes: tuple[str, ...] = ("test", "valid")
    chosen_by: str = "valid"  # the outcome whose mean says which is the best
    labels: tuple[str, ...] = ()  # settings that only name a case
    seeds: int = 8
    updates: int = 500
    stages: tuple[int, ...] = (5, 1)  # outcomes are recorded after these parts of the updates


def cases(**settings: Iterable[Any]) -> list[dict[str, Any]]:
    """All combinations; a setting of several columns is a list of mappings."""
    columns = [
        [value if isinstance(value, Mapping) else {name: value} for value in values]
        for name, values in settings.items()
    ]
    return [{k: v for part in parts for k, v in part.items()} for parts in product(*columns)]


def rates(optimizer: str, *values: float) -> list[dict[str, Any]]:
    """An optimizer at each of these learning rates."""
    return [{"optimizer": optimizer, "rate": value} for value in values]


def run(experiment: Experiment, surrogate: Surrogate) -> Iterator[list[dict[str, Any]]]:
    """The rows of each program: all settings of a case, the updates, and outcomes by seed."""
    if not hasattr(experiment.program, "draw"):
        yield from by_task(experiment, surrogate)
        return
    keys = jax.random.split(jax.random.key(0), experiment.seeds)
    for (fixed_settings, names), cases in programs(experiment).items():
        fixed, rows = dict(fixed_settings), []
        traced = {
            name: jnp.array([INDEX.get(case[name], case[name]) for case in cases])
            for name in names
            if name not in fixed
        }
        # Outside the program: what one program draws is compiled already when the next one does.
        draw = partial(experiment.program.draw, case=fixed, updates=experiment.updates)
        drawn = jax.vmap(draw)(keys)
        program = partial(trials, experiment, SHAPES.get(fixed.get("shape"), surrogate), fixed)
        outcomes = jax.device_get(jax.jit(program)(drawn, traced))
        for i, case in enumerate(cases):
            for stage, updates in enumerate([experiment.updates // 5, experiment.updates]):
                reached = {name: values[i, :, stage] for name, values in outcomes.items()}
                reached = {name: three_digits(values).tolist() for name, values in reached.items()}
                rows.append({**case, "updates": updates, **reached})
        yield rows


def parts(cases: Sequence[Case]) -> list[list[Case]]:
    """What may run in a process of its own: the cases of a task."""
    tasks = dict[Any, list[Case]]()
    for case in cases:
        tasks.setdefault(case["task"], []).append(case)
    return [*tasks.values()]


def by_task(experiment: Experiment, surrogate: Surrogate) -> Iterator[list[dict[str, Any]]]:
    """The rows of each task, of a program that trains all of its models by itself."""
    for task, group in groupby(experiment.cases, itemgetter("task")):
        cases = [*group]
        size = experiment.updates, experiment.seeds
        models = [case["model"] for case in cases]
        outcomes = experiment.program.trial(task, models, *size, surrogate)
        rounded = [
            {name: three_digits(values).tolist() for name, values in outcomes[model].items()}
            for model in models
        ]
        yield [
            {**case, "updates": experiment.updates, **reached}
            for case, reached in zip(cases, rounded, strict=True)
        ]


def programs(experiment: Experiment) -> dict[Any, list[Case]]:
    """The cases that one program serves, by what it has fixed and by the names of all settings."""
    served = dict[Any, list[Case]]()
    for case in experiment.cases:
        names = [name for name in case if name not in experiment.labels]
        traced = [name for name in names if name in TRACED or isinstance(case[name], float)]
        fixed = tuple((name, case[name]) for name in names if name not in traced)
        served.setdefault((fixed, tuple(names)), []).append(case)
    return served


def trials(
    experiment: Experiment, surrogate: Surrogate, fixed: Case, drawn: Any, traced: Any
) -> Any:
    """The outcomes of all traced cases (the first axis) and seeds (the second)."""

    def of_case(case: Case) -> Any:
        def of_seed(drawn: Any) -> Any:
            outcomes = experiment.program.trial(drawn, {**fixed, **case}, surrogate)
            return {name: outcomes[name] for name in experiment.outcomes}

        return jax.lax.map(of_seed, drawn)

    return jax.lax.map(of_case, traced)  # one after the other: faster than a vmap
