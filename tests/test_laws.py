"""The laws that a page offers as a file: the rules that the pages offer keep all of them.

That ReluGrad keeps them, and that they find what is wrong in others, is proved in proofs/test_upstream.py.
"""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import Array

from relugrad import ReluGrad

Function = Callable[..., Any]

DOCS = Path(__file__).parents[1] / "docs"

laws = runpy.run_path(str(DOCS / "custom-derivatives/test_rule.py"))
LAWS = {name[5:].replace("_", " "): law for name, law in laws.items() if name.startswith("test_")}
OF_THE_FILE = laws["expected_slope"], laws["expected_value"], laws["BAD"]


def keep(law: str, f: Function, slope: Function, *others: Any) -> None:
    """See what the file says of another function than its own: a spike, or one with its value."""
    value, bad = others or (lambda x, p: x >= 0, (-1.0, 0.0, jnp.inf))
    LAWS[law].__globals__.update(function=f, expected_slope=slope, expected_value=value, BAD=bad)
    LAWS[law]()


def integral(x: Array, p: Any) -> Array:
    return ReluGrad(p, 1.0).surrogate_fun(x)


def names_of(page: str, cells: int) -> dict[str, Any]:
    """What the first cells of a page define."""
    defined: dict[str, Any] = {}
    code = re.findall(r"(?ms)^```\{code-cell\} python\n(.*?)^```", (DOCS / page).read_text("utf-8"))
    for cell in code[:cells]:
        exec(cell, defined)  # noqa: S102 - code of our own page
    return defined


own = names_of("custom-derivatives/surrogate.md", 2)
RULES: dict[str, tuple[Any, ...]] = {
    "Gaussian": (
        own["surrogate"](own["slopes"]["Gaussian"]),
        laws["grad"](own["integrals"]["Gaussian"]),
    ),
}

if jax.__version_info__ >= (0, 12):
    hijax = runpy.run_path(str(DOCS / "custom-derivatives/hijax_rule.py"))["quantize"]
    RULES["hijax"] = hijax, *OF_THE_FILE


def test_the_rule_of_the_page_is_that_of_the_file() -> None:
    """Which keeps its own laws."""
    quantize, x = names_of("custom-derivatives/write.md", 1)["quantize"], laws["X"]
    for p in laws["PARAMETERS"]:
        for f in (lambda rule: rule, laws["grad"]):
            laws["close"](f(quantize)(x, p), f(laws["function"])(x, p))


@pytest.mark.parametrize("shape", own["slopes"])
def test_the_scale_in_the_table_gives_a_half_width_of_a_half(shape: str) -> None:
    """Where the slope is half of its peak of 1."""
    page = (DOCS / "custom-derivatives/surrogate.md").read_text("utf-8")
    (scale,) = re.findall(rf"(?m)^\| {shape} .*\| ([\d.]+) \|$", page)
    assert own["slopes"][shape](0.5, float(scale)) == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("shape", own["slopes"])
def test_each_slope_is_the_derivative_of_its_integral(shape: str) -> None:
    x = jnp.linspace(-3, 3, 7)
    derivative = jax.vmap(jax.grad(own["integrals"][shape]), (0, None))(x, 0.7)
    laws["close"](derivative, own["slopes"][shape](x, 0.7))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", RULES)
def test_a_rule_keeps(law: str, name: str) -> None:
    keep(law, *RULES[name])
