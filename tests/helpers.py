"""What several files of tests use: rules of pages, and descriptions for the checker."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jupytext
import numpy as np
import pytest

from relugrad import ReluGrad
from relugrad.testing import Rule

Function = Callable[..., Any]

DOCS = Path(__file__).parents[1] / "docs"
PARAMETERS = [f.name for f in dataclasses.fields(ReluGrad) if f.name != "forward_mode"]
POSITIVE = jnp.array([0.02, 0.3, 0.8, 1.7])
WIDTHS: Any = {"parameters": [(0.3,), (1.0,)], "bad": [(jnp.nan,), (jnp.inf,)]}


def close(actual: Any, expected: Any) -> None:
    """Equal, up to a few roundings in float32."""
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-7)


def names_of_page(page: str) -> dict[str, Any]:
    """What the cells of a page define that are tagged `used-in-tests`."""
    names: dict[str, Any] = {}
    for cell in jupytext.read(DOCS / page, fmt="md:myst").cells:
        if "used-in-tests" in cell.metadata.get("tags", []):
            exec(cell.source, names)  # noqa: S102 - code of our own page
    return names


def copies(*arguments: Any) -> Any:
    """Copies of all arrays, which is what a rule may store."""
    return jax.tree.map(jnp.copy, arguments)


def with_backward(value: Function, backward: Function, stored: Function = copies) -> Function:
    """A function with a rule: ``backward(stored(*arguments), cotangent)``."""
    function = jax.custom_vjp(value)

    def forward(*arguments: Any) -> tuple[Any, Any]:
        return function(*arguments), stored(*arguments)

    function.defvjp(forward, backward)
    return function


def root_rule(function: Function, **settings: Any) -> Rule:
    """The square root of *Write a rule*, whose slope is bounded."""

    def change(dx: Any, x: Any, smallest: Any) -> Any:
        return dx / (2 * jnp.sqrt(jnp.maximum(x, smallest**2)))

    return Rule(function, lambda x, smallest: jnp.sqrt(x), change, POSITIVE, **WIDTHS, **settings)


def spike_rule(function: Function, slope: Function, **settings: Any) -> Rule:
    """A step with another slope."""

    def step(x: Any, *parameters: Any) -> Any:
        return (x >= 0).astype(x.dtype)

    def change(dx: Any, x: Any, *parameters: Any) -> Any:
        return slope(x, *parameters) * dx

    return Rule(function, step, change, **settings)


def bounded_slope_of_hypotenuse(change: Any, xy: Any) -> Any:
    """Where it is shorter than 0.1, that takes its place."""
    (dx, dy), (x, y) = change, xy
    return (x * dx + y * dy) / jnp.maximum(jnp.hypot(x, y), 0.1)


def rules_of_pages() -> dict[str, Rule]:
    """The rules that pages show, but for those that are wrong on purpose."""
    write = names_of_page("custom-derivatives/write.md")
    protected = jax.checkpoint(jax.checkpoint(write["both_modes"]))
    shapes = names_of_page("how-to/surrogate-gradient-and-reset.md")
    gaussian = shapes["slopes"]["Gaussian"]
    bad = [(-1.0,), (0.0,), *WIDTHS["bad"]]
    return {
        "root": root_rule(write["root"]),
        "both_modes": root_rule(protected, forward_mode=True),
        "hypotenuse": Rule(
            lambda xy: write["hypotenuse"](*xy),
            lambda xy: jnp.hypot(*xy),
            bounded_slope_of_hypotenuse,
            x=(POSITIVE - 1.1, POSITIVE),
            skip={"memory": "16 bits are stored as 32, so that squares don't overflow"},
        ),
        "length": Rule(
            write["length"],
            lambda tree: jnp.sqrt(sum((a.astype(float) ** 2).sum() for a in tree.values())),
            x={"a": -POSITIVE, "b": POSITIVE[:2]},
            element_by_element=False,
        ),
        "clipped": Rule(lambda x: write["clipped"](x, 100.0), lambda x: x, cotangents=[1.0]),
        "Gaussian": spike_rule(shapes["surrogate"](gaussian), gaussian, **WIDTHS | {"bad": bad}),
    }


def each_check(rules: dict[str, Rule], *, fast: bool = False) -> list[Any]:
    """The checks of rules, each with a name, for `pytest.mark.parametrize`."""
    return [
        pytest.param(check, id=f"{name}-{check.__name__}")
        for name, rule in rules.items()
        for check in rule.checks(fast=fast)
    ]
