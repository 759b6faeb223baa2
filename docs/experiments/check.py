"""Run a sample of an experiment again, and compare it with the record.

Trainings may end elsewhere when a sum is rounded in another way, as another processor or another JAX
does. So it is the means over the seeds that are compared, within ERRORS standard errors.
"""

from dataclasses import replace

import numpy as np

from experiments.catalogue import EXPERIMENTS
from experiments.experiment import run
from experiments.record import read, settings
from experiments.surrogates import triangle

CASES, SEEDS, ERRORS = 8, 4, 4.0


def differing(name: str) -> list[str]:
    """What of a sample isn't as recorded: a few cases, after the first fifth of the updates."""
    experiment, recorded = EXPERIMENTS[name], read()[name]["rows"]
    few = experiment.cases[:: -(-len(experiment.cases) // CASES)]
    sample = replace(experiment, cases=few, seeds=SEEDS, updates=experiment.updates // 5)
    again = {settings(row): row for rows in run(sample, triangle) for row in rows}
    pairs = [(row, again[settings(row)]) for row in recorded if settings(row) in again]
    lines = list[str]()
    for outcome in experiment.outcomes:
        variance = np.mean([np.var(then[outcome], ddof=1) for then, _ in pairs])
        for then, now in pairs:
            before, after = np.mean(then[outcome][:SEEDS]), np.mean(now[outcome])
            if abs(after - before) > ERRORS * (2 * variance / SEEDS) ** 0.5:
                lines.append(f"{outcome} is {after:.3g}, and {before:.3g} in the record: {now}")
    print(f"{name}: {len(lines)} outcomes of {len(pairs)} rows differ", *lines, sep="\n    ")
    return lines
