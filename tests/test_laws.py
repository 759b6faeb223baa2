"""The laws that a page offers as a file: right rules keep all of them, and each wrong one breaks one."""

import re
import runpy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
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


# A rule of a triangle with width 1, in parts


def given(x: Array, p: Any) -> tuple[Array, Array]:
    p = jnp.asarray(p, "float32")
    return x, jnp.where(p > 0, p, jnp.nan)


def step(x: Array, p: Array) -> Array:
    x = jnp.where(jnp.isnan(p), p.astype(x.dtype), x)
    return jnp.where(jnp.isnan(x), x, (x >= 0).astype(x.dtype))


def triangle(x: Array, p: Array) -> Array:
    return p * jax.nn.relu(1 - abs(x))


PARTS: dict[str, Function] = {
    "given": given,
    "step": step,
    "returned": lambda spikes: spikes,
    "kept": lambda x, p: (x, p),
    "slope": triangle,
    "times": lambda ct, slope: ct * slope,
    "cast": lambda gradient, x: gradient.astype(x.dtype),
}


def rule(**exchanged: Function) -> Function:
    """A right one, or one with parts exchanged."""
    parts = PARTS | exchanged
    spike = jax.custom_vjp(parts["step"])

    def forward(x: Array, p: Array) -> tuple[Array, Any]:
        return parts.get("called", spike)(x, p), parts["kept"](x, p)

    def backward(residuals: Any, ct: Array) -> tuple[Array, None]:
        return parts["cast"](parts["times"](ct, parts["slope"](*residuals[:2])), ct), None

    spike.defvjp(forward, backward)
    return lambda x, p: parts["returned"](spike(*parts["given"](x, p)))


def integral(x: Array, p: Any) -> Array:
    return ReluGrad(p, 1.0).surrogate_fun(x)


WRONG = tomllib.loads((Path(__file__).parent / "wrong_rules.toml").read_text("utf-8"))
ARGUMENTS = {"times": "ct, slope", "returned": "spikes", "cast": "gradient, x"}
ERRORS = AssertionError, TypeError, ValueError


@pytest.mark.parametrize(
    ("law", "part", "wrong"),
    [(law, part, wrong) for law, parts in WRONG.items() for part in parts for wrong in parts[part]],
)
def test_a_wrong_rule_breaks(law: str, part: str, wrong: str) -> None:
    """The law that is named."""
    code = f"lambda {ARGUMENTS.get(part, 'x, p')}: ({WRONG[law][part][wrong]})"
    with pytest.raises(ERRORS):
        keep(law, rule(**{part: eval(code, globals())}), integral)


# Right rules, each with its integral

shown: dict[str, Any] = {}  # the rule, slopes and integrals of the page that offers the file
page = (DOCS / "how-to/own-surrogate.md").read_text("utf-8")
for cell in re.findall(r"(?ms)^```\{code-cell\} python\n(.*?)^```", page)[:2]:
    exec(cell, shown)  # noqa: S102 - code of our own page

to_copy: dict[str, Any] = {}  # the rule with which the page on custom_vjp begins
page = (DOCS / "explanation/custom-vjp.md").read_text("utf-8")
exec(re.findall(r"(?ms)^```\{code-cell\} python\n(.*?)^```", page)[0], to_copy)  # noqa: S102

with_jvp = jax.custom_jvp(jax.checkpoint(step))
in_both_modes = jax.checkpoint(with_jvp, prevent_cse=False)


@with_jvp.defjvp
def _pushforward(given: Any, tangents: Any) -> tuple[Array, Array]:
    return in_both_modes(*given), (tangents[0] * triangle(*given)).astype(tangents[0].dtype)


@jax.checkpoint
def zero_first(x: Array, p: Any) -> Array:
    smooth = integral(*given(x, p))
    return jax.lax.stop_gradient(step(*given(x, p))) + (smooth - jax.lax.stop_gradient(smooth))


RIGHT: dict[str, tuple[Function, Function]] = {
    "ReluGrad": (lambda x, p: relu_grad(x, 1, p), lambda x, p: ReluGrad(1, p).surrogate_fun(x)),
    "forward_mode": (lambda x, p: relu_grad(x, p, forward_mode=True), integral),
    "custom_vjp": (rule(), integral),
    "custom_vjp to copy": (lambda x, p: to_copy["spike"](x, p, 1.0), integral),
    "custom_jvp in checkpoint": (lambda x, p: in_both_modes(*given(x, p)), integral),
    "stop_gradient": (zero_first, integral),
    "boxcar": (rule(slope=lambda x, p: (abs(x) < p) * 1.0), lambda x, p: jnp.clip(x, -p, p)),
}
for shape, slope in shown["slopes"].items():
    RIGHT[shape] = shown["surrogate"](slope), shown["integrals"][shape]

if jax.__version_info__ >= (0, 12):
    hijax = runpy.run_path(str(DOCS / "explanation/hijax_spike.py"))["spike"]
    RIGHT["hijax"] = lambda x, p: hijax(x, p, 1.0), integral

    @pytest.mark.parametrize("mode", ["grad", "jvp", "jacfwd"])
    @pytest.mark.parametrize("inner", ["jit", "vmap", "scan", "checkpoint"])
    def test_one_rule_of_hijax_serves(mode: str, inner: str) -> None:
        """Both modes, their compositions, and who differentiates the parameters alone."""
        for names, expected in ((mode, SLOPE), (f"grad of {mode}", CURVATURE)):
            close(compose(f"{names} of {inner}", lambda x: hijax(x, 0.3, 1.0))(X), expected)
        assert jax.grad(hijax, (1, 2))(0.5, 0.3, 1.0) == (0, 0)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rule_keeps(law: str, name: str) -> None:
    keep(law, *RIGHT[name])
