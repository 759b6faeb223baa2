"""Run a sample of an experiment again, and compare it with the record.

The sample has a few cases of a few programs, the first seeds, and a fifth of the updates, after which
the outcomes are recorded, too. Some trainings are chaotic: they end elsewhere when a sum is rounded in
another way, as another processor or another JAX does. How many do is found by training each case again
with its learning rate changed in the seventh digit. Then two things must hold:

- The share of outcomes that are those of the record, digit for digit, is the share that such a change
  leaves as they are. It may be lower by LOST and by ERRORS standard errors.
- In each row, the mean over the seeds is the recorded one, within ERRORS standard errors.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from experiments.catalogue import EXPERIMENTS
from experiments.experiment import part, run
from experiments.record import read
from experiments.surrogates import triangle

LOST, ERRORS = 0.1, 4.0


def by_settings(rows: list[dict[str, Any]]) -> dict[frozenset[Any], dict[str, Any]]:
    """Rows by all that isn't an outcome."""
    return {frozenset(i for i in row.items() if not isinstance(i[1], list)): row for row in rows}


def compared(name: str) -> tuple[str, list[str]]:
    """How well a sample agrees with the record, and the rows that show that it doesn't."""
    one = part(EXPERIMENTS[name], EXPERIMENTS[name].updates // 5, *EXPERIMENTS[name].sampled)
    both = [*one.cases, *({**case, "rate": case["rate"] * (1 + 2e-7)} for case in one.cases)]
    found = by_settings(run(replace(one, cases=both), triangle)["rows"])
    recorded = by_settings(read()[name]["rows"])
    keys = [frozenset({**case, "updates": one.updates}.items()) for case in both]
    rows, same, kept = list[Any](), list[bool](), list[bool]()
    for outcome in one.outcomes:
        now, moved = np.split(np.array([found[key][outcome] for key in keys]), 2)
        seeds = np.array([recorded[key][outcome] for key in keys[: len(now)]])
        then, variance = seeds[:, : one.seeds], seeds.var(axis=1, ddof=1).mean()
        errors = abs((now - then).mean(axis=1)) / (1e-9 + 2 * variance / one.seeds) ** 0.5
        most = errors.reshape(len(now), -1).max(axis=1)
        texts = [f"{name}: {case}, {outcome}" for case in one.cases]
        rows += zip(texts, then.tolist(), now.tolist(), most, strict=True)
        same += (now == then).ravel().tolist()
        kept += (now == moved).ravel().tolist()
    share, expected = np.mean(same), np.mean(kept)
    lost = share < expected - LOST - ERRORS * (expected * (1 - expected) / len(same)) ** 0.5
    far = max(row[-1] for row in rows)
    agreement = f"{name}: {len(one.cases)} cases; {share:.0%} of outcomes are those of the record"
    agreement += f"; {expected:.0%} survive rounding; means differ by {far:.1f} errors at most"
    differ = [row for row in rows if row[1] != row[2] and (lost or row[3] > ERRORS)]
    return agreement, [f"{of}: recorded {then}, found {now}" for of, then, now, _ in differ]
