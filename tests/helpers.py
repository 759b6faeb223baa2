"""What several files of tests use: rules of pages, and descriptions for the checker."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

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


def names_of_page(page: str, wanted: str) -> dict[str, Any]:
    """What those cells of a page define that define this; of two with one name, the last."""
    names: dict[str, Any] = {}
    for cell in re.findall(
        r"(?s)```{code-cell} python\n(.*?)```", (DOCS / page).read_text("utf-8")
    ):
        if re.search(rf"(?m)^(def ({wanted})\(|({wanted}) =)", cell):
            exec(cell, names)  # noqa: S102 - code of our own page
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
