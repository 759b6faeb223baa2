"""Run a sample of an experiment again, and compare it with the record.

The sample has a few cases of two programs, the first seeds, and a fifth of the updates, after which the
outcomes are recorded, too. Some trainings are chaotic: they end elsewhere when a sum is rounded in
another way, as another processor or another JAX does. How many do is found by training each case again
with its learning rate changed in the seventh digit. The share of outcomes that are those of the record,
digit for digit, may be less by LOST than the share that such a change leaves as they are. And in each
row the mean over the seeds must be the recorded one, within ERRORS standard errors of the difference.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.catalogue import EXPERIMENTS
from experiments.experiment import Experiment, part, run
from experiments.network import Case
from experiments.record import read
from experiments.surrogates import triangle

LOST, ERRORS = 0.3, 4.0


def nudged(cases: Sequence[Case]) -> list[Case]:
    """Cases whose learning rate is a few roundings away."""
    return [{**case, "rate": case["rate"] * (1 + 2e-7)} for case in cases]


def sample(one: Experiment) -> Experiment:
    """What runs again: cases, and then the same nudged."""
    few = part(one, one.updates // 5, *one.sampled)
    return replace(few, cases=[*few.cases, *nudged(few.cases)])


def settings(row: Case) -> frozenset[Any]:
    """What isn't an outcome."""
    return frozenset(item for item in row.items() if not isinstance(item[1], list))


def compared(name: str) -> tuple[str, list[str]]:
    """How well a sample agrees with the record, and each row that doesn't if it agrees too little."""
    few, far, other = sample(EXPERIMENTS[name]), list[str](), list[str]()
    cases = few.cases[: len(few.cases) // 2]
    at = {settings(row): row for row in run(few, triangle)["rows"]}
    recorded = {settings(row): row for row in read()[name]["rows"]}
    same, kept, most = list[bool](), list[bool](), 0.0
    for case, moved in zip(cases, nudged(cases), strict=True):
        key, by = (settings({**of, "updates": few.updates}) for of in (case, moved))
        for outcome in few.outcomes:
            whole, now = np.array(recorded[key][outcome]), np.array(at[key][outcome])
            then = whole[: few.seeds]
            same += (now == then).ravel().tolist()
            kept += (now == at[by][outcome]).ravel().tolist()
            error = whole.std(axis=0, ddof=1) * (2 / few.seeds) ** 0.5
            error += 0.01 * abs(then).mean() + 1e-9
            errors = float((abs(now.mean(axis=0) - then.mean(axis=0)) / error).max())
            most = max(most, errors)
            text = f"{case}, {outcome}: recorded {then.tolist()}, found {now.tolist()}"
            other += [text] * int((now != then).any())
            if errors > ERRORS:
                far.append(f"{text}, which is {errors:.1f} standard errors away")
    agreeing, expected = np.mean(same), np.mean(kept)
    return (
        f"{name}: {len(cases)} cases, means up to {most:.1f} standard errors from the record; "
        f"{agreeing:.0%} of the outcomes are equal, with a nudge {expected:.0%}"
    ), far + other * int(agreeing < expected - LOST)
