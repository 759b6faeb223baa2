"""What runs in a process of its own: some cases of an experiment, or a sample that is compared."""

import importlib
import inspect
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from experiments.catalogue import EXPERIMENTS
from experiments.experiment import run
from experiments.network import Case
from experiments.record import Row, read, settings
from experiments.surrogates import Surrogate, stretched, triangle


def named(text: str) -> Surrogate:
    """The surrogate of `package.module:name`, or of `package.module:name(its parameters)`."""
    module, _, expression = text.partition(":")
    spike = eval(expression, dict(vars(importlib.import_module(module))))
    parameters = inspect.signature(spike).parameters
    if {"peak", "half"} <= set(parameters):
        return lambda peak, half: lambda x: spike(x, peak=peak, half=half)
    required = [value for value in parameters.values() if value.default is value.empty]
    return stretched(spike if required else spike())


def rows_of(name: str, cases: Sequence[Case], surrogate: str) -> list[Row]:
    """Run some cases of an experiment; another surrogate takes the place of the triangle."""
    if surrogate:
        cases = [case for case in cases if case.get("shape", "triangle") == "triangle"]
    rows, start = list[Row](), time.perf_counter()
    experiment = replace(EXPERIMENTS[name], cases=cases)
    for of_program in run(experiment, named(surrogate) if surrogate else triangle):
        rows += of_program
        seconds = time.perf_counter() - start
        print(
            f"{name}: {len(rows) // len(experiment.stages)} of {len(cases)} cases in {seconds:.0f} s",
            flush=True,
        )
    return rows


CASES, SEEDS, ERRORS = 8, 4, 4.0


def differing(name: str) -> list[str]:
    """What of a sample isn't as recorded: a few cases, after the first fifth of the updates.

    Trainings may end elsewhere when a sum is rounded in another way, as another processor or another
    JAX does. So it is the means over the seeds that are compared, within ERRORS standard errors.
    """
    experiment, recorded = EXPERIMENTS[name], read()[name]["rows"]
    few = experiment.cases[:: -(-len(experiment.cases) // CASES)]
    sample = replace(experiment, cases=few, seeds=SEEDS)
    sample = replace(sample, updates=experiment.updates // experiment.stages[0])
    again = {settings(row): row for rows in run(sample, triangle) for row in rows}
    pairs = [(row, again[settings(row)]) for row in recorded if settings(row) in again]
    lines = list[str]()
    for outcome in experiment.outcomes:
        variance = np.nanmean([np.var(then[outcome], ddof=1) for then, _ in pairs])
        for then, now in pairs:
            before, after = (np.mean(row[outcome][:SEEDS]) for row in (then, now))
            if abs(after - before) > ERRORS * (2 * variance / SEEDS) ** 0.5:
                lines.append(f"{outcome} is {after:.3g}, and {before:.3g} in the record: {now}")
    print(f"{name}: {len(lines)} outcomes of {len(pairs)} rows differ", *lines, sep="\n    ")
    return lines
