"""The laws that a page offers as a file: ReluGrad and the rules that the pages offer keep all of them.

That the laws find what is wrong in others is proved in proofs/test_upstream.py.
"""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest
from jax import Array
from tests.test_transformations import CURVATURE, SLOPE, X, close, compose

from relugrad import ReluGrad, relu_grad

Function = Callable[..., Any]

DOCS = Path(__file__).parents[1] / "docs"

laws = runpy.run_path(str(DOCS / "how-to/test_spike.py"))
LAWS = {name[5:].replace("_", " "): law for name, law in laws.items() if name.startswith("test_")}


def keep(law: str, spike: Function, integral: Function) -> None:
    """See what the file says of other functions than its own."""
    LAWS[law].__globals__.update(spike=spike, integral=integral)
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


to_copy = names_of("explanation/custom-vjp.md", 1)["spike"]
own = names_of("how-to/own-surrogate.md", 2)
RULES: dict[str, tuple[Function, Function]] = {
    "ReluGrad": (lambda x, p: relu_grad(x, 1, p), lambda x, p: ReluGrad(1, p).surrogate_fun(x)),
    "forward_mode": (lambda x, p: relu_grad(x, p, forward_mode=True), integral),
    "custom_vjp": (lambda x, p: to_copy(x, p, 1.0), integral),
}
for shape, slope in own["slopes"].items():
    RULES[shape] = own["surrogate"](slope), own["integrals"][shape]

if jax.__version_info__ >= (0, 12):
    hijax = runpy.run_path(str(DOCS / "explanation/hijax_spike.py"))["spike"]
    RULES["hijax"] = lambda x, p: hijax(x, p, 1.0), integral

    @pytest.mark.parametrize("mode", ["grad", "jvp", "jacfwd"])
    @pytest.mark.parametrize("inner", ["jit", "vmap", "scan", "checkpoint"])
    def test_one_rule_of_hijax_serves(mode: str, inner: str) -> None:
        """Both modes, their compositions, and who differentiates the parameters alone."""
        for names, expected in ((mode, SLOPE), (f"grad of {mode}", CURVATURE)):
            close(compose(f"{names} of {inner}", lambda x: hijax(x, 0.3, 1.0))(X), expected)
        assert jax.grad(hijax, (1, 2))(0.5, 0.3, 1.0) == (0, 0)


@pytest.mark.parametrize("shape", own["slopes"])
def test_the_scale_in_the_table_gives_a_half_width_of_a_half(shape: str) -> None:
    """Where the slope is half of its peak of 1."""
    page = (DOCS / "how-to/own-surrogate.md").read_text("utf-8")
    (scale,) = re.findall(rf"(?m)^\| {shape} .*\| ([\d.]+) \|$", page)
    assert own["slopes"][shape](0.5, float(scale)) == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", RULES)
def test_a_rule_keeps(law: str, name: str) -> None:
    keep(law, *RULES[name])
