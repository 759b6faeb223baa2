"""How fast the surrogate is, beside other libraries: what `nox -s benchmarks` recorded."""

import json

import numpy as np
import pandas as pd

from evidence.results import DATA, Markdown

RECORD = json.loads((DATA / "benchmarks.json").read_text("utf-8"))
COMPILING = json.loads((DATA / "compile_time.json").read_text("utf-8"))
PEERS = ["braintools", "spyx"]
TRAINING = pd.DataFrame(RECORD["groups"]["training"]).set_index("name")
step_to_plain = round(TRAINING.loc["plain", "ratio"].item(), 2)
CALLS = pd.DataFrame(RECORD["groups"]["outside jit"]).set_index("name")
MICROSECONDS = (1e6 * CALLS["seconds"]).round().astype(int)
call_relugrad, call_plain, call_spyx = MICROSECONDS[["relugrad", "plain", "spyx"]].tolist()

limit = COMPILING["limit"]
NETWORKS = pd.DataFrame(COMPILING["rows"])
COMPILED = NETWORKS.query("name == 'relugrad'").set_index("network")
one_layer_32 = round(COMPILED.loc["one layer", "32"].item(), 1)


def table_of_compile_times() -> Markdown:
    """With relugrad, by network and by time steps."""
    shown = COMPILED.drop(columns="name").map("{:.1f}".format).replace("nan", "–")
    return Markdown(shown.to_markdown(disable_numparse=True, stralign="right"))


def table_of_versions() -> Markdown:
    """Where the benchmarks ran."""
    versions = [f"{name} {RECORD['versions'][name]}" for name in ("relugrad", *PEERS, "jax")]
    machine = "The benchmarks ran on {date} on an {cpu} with {cores} cores, with Python {python}, "
    return Markdown(machine.format(**RECORD) + ", ".join(versions) + ".")


def test_a_step_of_training_takes_as_long_as_with_others_and_keeps_as_much() -> None:
    assert abs(TRAINING["ratio"] - 1).max() < 0.1
    assert np.ptp(TRAINING["kept"]) <= 8  # bytes: alpha and width


def test_a_call_outside_jit_is_faster_than_plain_and_braintools() -> None:
    assert call_relugrad < min(call_plain, MICROSECONDS["braintools"]) / 2


def test_an_unrolled_loop_compiles_sooner_than_with_a_plain_rule() -> None:
    one_layer = NETWORKS.query("network == 'one layer'").set_index("name")
    assert one_layer.loc[["plain", *PEERS], "32"].isna().all()
    assert one_layer_32 < limit / 10
    assert 0.5 < one_layer.loc["where", "32"] / one_layer_32 < 2  # with jnp.where
