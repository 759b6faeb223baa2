"""How fast the surrogate is, beside other libraries: what `nox -s benchmarks` recorded."""

import json

import numpy as np
import pandas as pd

from evidence.results import DATA, Markdown

RECORD = json.loads((DATA / "benchmarks.json").read_text("utf-8"))
TRAINING = pd.DataFrame(RECORD["groups"]["training"]).set_index("name")
step_to_plain = round(TRAINING.loc["plain", "ratio"].item(), 2)
CALLS = pd.DataFrame(RECORD["groups"]["outside jit"]).set_index("name")
MICROSECONDS = (1e6 * CALLS["seconds"]).round().astype(int)
call_relugrad, call_plain, call_spyx = MICROSECONDS[["relugrad", "plain", "spyx"]].tolist()


def table_of_versions() -> Markdown:
    """Where the benchmarks ran."""
    versions = ", ".join(map(" ".join, RECORD["versions"].items()))
    machine = "The benchmarks ran on {date} on an {cpu} with {cores} cores, with Python {python}, "
    return Markdown(f"{machine.format(**RECORD)}{versions}.")


def test_a_step_of_training_takes_as_long_as_with_others_and_keeps_as_much() -> None:
    assert abs(TRAINING["ratio"] - 1).max() < 0.1
    quotient = TRAINING.loc["relugrad", "seconds"] / TRAINING.loc["plain", "seconds"]
    assert abs(quotient - step_to_plain) < 0.04
    assert np.ptp(TRAINING["kept"]) <= 8  # bytes: alpha and width


def test_a_call_outside_jit_is_faster_than_plain_and_braintools() -> None:
    assert call_relugrad < min(call_plain, MICROSECONDS["braintools"]) / 2
