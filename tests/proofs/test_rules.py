"""The laws that a page offers as a file, put to rules as other people write them.

Right rules keep all of them, and each wrong one, of `wrong_rules.toml`, breaks one.
"""

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import Array
from tests.test_laws import LAWS, Function, integral, keep

# A rule of a triangle with width 1, in parts


def prepared(x: Array, p: Any) -> tuple[Array, Array]:
    p = jnp.asarray(p, "float32")
    return x, p + 0 * jnp.log(p)


def step(x: Array, p: Array) -> Array:
    x = jnp.where(jnp.isnan(p), p.astype(x.dtype), x)
    return jnp.where(x >= 0, 1, jnp.where(x < 0, 0, x))


def triangle(x: Array, p: Array) -> Array:
    return p * jax.nn.relu(1 - abs(x))


PARTS: dict[str, Function] = {
    "prepared": prepared,
    "step": step,
    "returned": lambda spikes: spikes,
    "stored": lambda x, p: (jnp.copy(x), jnp.copy(p)),
    "slope": triangle,
    "times": lambda ct, slope: ct * slope,
    "cast": lambda gradient, x: gradient.astype(x.dtype),
}


def rule(**exchanged: Function) -> Function:
    """A right one, or one with parts exchanged."""
    parts = PARTS | exchanged
    spike = jax.custom_vjp(parts["step"])

    def forward(x: Array, p: Array) -> tuple[Array, Any]:
        return parts.get("called", spike)(x, p), parts["stored"](x, p)

    def backward(residuals: Any, ct: Array) -> tuple[Array, None]:
        return parts["cast"](parts["times"](ct, parts["slope"](*residuals[:2])), ct), None

    spike.defvjp(forward, backward)
    return lambda x, p: parts["returned"](spike(*parts["prepared"](x, p)))


WRONG = tomllib.loads(Path(__file__).with_name("wrong_rules.toml").read_text("utf-8"))
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


with_jvp = jax.custom_jvp(jax.checkpoint(step))
in_both_modes = jax.checkpoint(with_jvp, prevent_cse=False)


@with_jvp.defjvp
def _pushforward(primals: Any, tangents: Any) -> tuple[Array, Array]:
    return in_both_modes(*primals), (tangents[0] * triangle(*primals)).astype(tangents[0].dtype)


@jax.checkpoint
def zero_first(x: Array, p: Any) -> Array:
    smooth = integral(*prepared(x, p))
    return jax.lax.stop_gradient(step(*prepared(x, p))) + (smooth - jax.lax.stop_gradient(smooth))


def rectangle(x: Array, p: Array) -> Array:
    return jnp.where(abs(x) < p, 1, jnp.where(abs(x) >= p, 0, x))


RIGHT: dict[str, tuple[Function, Function]] = {
    "custom_vjp": (rule(), integral),
    "custom_jvp in checkpoint": (lambda x, p: in_both_modes(*prepared(x, p)), integral),
    "stop_gradient": (zero_first, integral),
    "rectangle": (rule(slope=rectangle), lambda x, p: jnp.clip(x, -p, p)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rule_keeps(law: str, name: str) -> None:
    """But for one: the slope of stop_gradient is 0 at NaN, as the page says."""
    broken = (name, law) == ("stop_gradient", "nan stays nan")
    with pytest.raises(ERRORS) if broken else contextlib.nullcontext():
        keep(law, *RIGHT[name])
