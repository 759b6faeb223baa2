"""Other libraries today, against the record that the documentation shows. Run by `nox -s peers`."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import brainpy.state
import braintools
import jax
import jax.numpy as jnp
import pytest

from relugrad import ReluGrad
from tests.peers.equivalence import DTYPES, HERE, PEERS, run

RECORD = json.loads((HERE.parents[1] / "docs/_data/peers.json").read_text(encoding="utf-8"))
EPSILON = float(jnp.finfo(jnp.float32).eps)


@pytest.fixture(scope="module")
def fresh() -> dict[str, Any]:
    """A run of now."""
    return run()


@pytest.mark.parametrize("index", range(len(PEERS)), ids=[peer.package for peer in PEERS])
def test_the_functions_are_those_of_the_record(fresh: dict[str, Any], index: int) -> None:
    """Slopes may differ by the rounding of the dtype, and all else not at all."""
    now, then = fresh["peers"][index], RECORD["peers"][index]
    exact = ["package", "call", "mapping", "same", "spike at 0", "spike at NaN"]
    assert [now[key] for key in exact] == [then[key] for key in exact]
    assert now["sample"] == pytest.approx(then["sample"], rel=0, abs=EPSILON)
    for dtype in DTYPES:
        for key in ("result", "other spikes"):
            assert now["dtypes"][dtype][key] == then["dtypes"][dtype][key]
        worst = [found["dtypes"][dtype]["worst slope"] for found in (now, then)]
        assert worst[0] == pytest.approx(worst[1], rel=0, abs=1)


@pytest.mark.parametrize("index", range(len(PEERS)), ids=[peer.package for peer in PEERS])
def test_what_is_called_the_same_is_the_same(fresh: dict[str, Any], index: int) -> None:
    """Equal spikes but at 0, and slopes equal to one rounding of the peak."""
    found = fresh["peers"][index]
    worst = max(row["worst slope"] for row in found["dtypes"].values())
    assert (worst <= 1) == found["same"]
    assert all(row["other spikes"] == 0 for row in found["dtypes"].values())


@pytest.mark.parametrize("name", sorted(RECORD["networks"]))
def test_the_networks_learn_as_in_the_record(fresh: dict[str, Any], name: str) -> None:
    """The same source, the same words, and losses within 1e-5; the script itself compares ours and theirs."""
    now, then = fresh["networks"][name], RECORD["networks"][name]
    assert now["source"] == then["source"]
    number = re.compile(r"\d+\.\d+")
    assert number.sub("#", now["printed"]) == number.sub("#", then["printed"])
    losses = [list(map(float, number.findall(found["printed"]))) for found in (now, then)]
    assert losses[0] == pytest.approx(losses[1], rel=0, abs=1e-5)


def test_what_the_page_says_of_brainpy() -> None:
    """Its default is the same triangle, whose derivative in alpha is not 0."""
    default = inspect.signature(brainpy.state.LIF.__init__).parameters["spk_fun"].default
    assert isinstance(default, braintools.surrogate.ReluGrad)

    def spikes(function: Any, alpha: float) -> Any:
        return function(alpha, 1.0)(jnp.float32(0.5))

    assert jax.grad(spikes, argnums=1)(braintools.surrogate.ReluGrad, 0.3) != 0
    assert jax.grad(spikes, argnums=1)(ReluGrad, 0.3) == 0


def last_line(program: str) -> str:
    """What a program says last, in a process of its own."""
    run = [sys.executable, "-W", "ignore", "-c", program]
    ran = subprocess.run(run, capture_output=True, text=True, check=False)
    return (ran.stdout + ran.stderr).strip().splitlines()[-1]


def test_what_the_page_says_of_snnax() -> None:
    """The wheel lacks modules, the spike function is static, and `Sequential` raises an error."""
    assert last_line("import snnax.snn").startswith(("ImportError", "ModuleNotFoundError"))
    script = (HERE / "train_snnax.py").read_text(encoding="utf-8")
    mended = (
        "import sys, types\n" + script[script.index("for name in [") : script.index("jax.config")]
    )
    field = "snn.LIF.__dataclass_fields__['spike_fn'].metadata"
    assert last_line(f"{mended}\nprint({field}['static'])") == "True"
    sequential = "snn.Sequential(snn.LIF([0.9, 0.8]), snn.LIF([0.9, 0.8]))"
    assert last_line(f"{mended}\n{sequential}").startswith("ValueError")


def test_every_network_is_in_the_record() -> None:
    """And none that is gone."""
    scripts = {path.stem.removeprefix("train_") for path in Path(HERE).glob("train_*.py")}
    assert scripts == set(RECORD["networks"])
