"""The laws that a page offers as a file: ours keep them, and rules as people write them break some.

Which law is broken by which rule, and in which versions of JAX, is read from the page's table.
"""

import functools
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import Array

from relugrad import ReluGrad, relu_grad

Function = Callable[..., Any]

PAGES = Path(__file__).parents[1] / "docs/how-to"
JAX = tuple(map(int, jax.__version__.split(".")[:3]))

found = importlib.util.spec_from_file_location("laws", PAGES / "test_spike.py")
assert found
assert found.loader
laws: Any = importlib.util.module_from_spec(found)
found.loader.exec_module(laws)
LAWS: dict[str, Function] = {
    name.removeprefix("test_").replace("_", " "): law
    for name, law in vars(laws).items()
    if name.startswith("test_")
}


def keeps(law: str, spike: Function, integral: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    """See what the file says of other functions than its own."""
    monkeypatch.setattr(laws, "spike", spike)
    monkeypatch.setattr(laws, "integral", integral)
    LAWS[law]()


@pytest.mark.parametrize("law", LAWS)
def test_ours_keep(law: str, forward_mode: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By width; the file itself tries alpha."""

    def spike(x: Array, width: Any) -> Array:
        return relu_grad(x, 1.0, width, forward_mode=forward_mode)

    keeps(law, spike, lambda x, width: ReluGrad(1.0, width).surrogate_fun(x), monkeypatch)


@functools.cache
def other_shapes() -> dict[str, Any]:
    """What the page about them defines."""
    page = (PAGES / "other-shapes.md").read_text("utf-8")
    visible = r"(?ms)^```\{code-cell\} python\n(?!:tags:|---)(.*?)^```"
    shown: dict[str, Any] = {}
    for cell in re.findall(visible, page):
        if "integrals" not in shown:
            exec(cell, shown)  # noqa: S102 - code of our own page
    return shown


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("shape", ["fast sigmoid", "arctan", "Gaussian"])
def test_the_rule_for_other_shapes_keeps(
    law: str, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one for all of them; the integrals differ."""
    shown = other_shapes()
    keeps(law, shown["surrogate"](shown["slopes"][shape]), shown["integrals"][shape], monkeypatch)


# Rules as people write them, of a triangle with width 1


def step(x: Array, alpha: Any) -> Array:
    return (x >= 0).astype(x.dtype)


def heaviside(x: Array, alpha: Any) -> Array:
    return jnp.heaviside(x, 1.0)


def triangle(x: Array, alpha: Any) -> Array:
    return alpha * jax.nn.relu(1 - jnp.abs(x))


def custom_vjp(step: Function, called: Function | None = None, **options: Any) -> Function:
    """A step with the triangle in the place of its derivative."""
    spike = jax.custom_vjp(step)

    def forward(x: Array, alpha: Any) -> tuple[Array, tuple[Any, ...]]:
        return (called or spike)(x, alpha), (x, alpha)

    def backward(residuals: tuple[Any, ...], cotangent: Array) -> tuple[Array, None]:
        return cotangent * triangle(*residuals), None

    spike.defvjp(forward, backward, **options)
    return spike


def custom_jvp() -> Function:
    """The same for both modes."""
    spike = jax.custom_jvp(step)

    def push(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
        return spike(*primals), triangle(*primals) * tangents[0]

    spike.defjvp(push)
    return spike


RULES: dict[str, Callable[[], Function]] = {
    "plain": lambda: custom_vjp(step),
    "bare step": lambda: custom_vjp(step, called=step),
    "heaviside": lambda: custom_vjp(heaviside),
    "generic": lambda: custom_vjp(step, generic_batching=True),
    "custom_jvp": custom_jvp,
}
if JAX < (0, 12):
    del RULES["generic"]  # there is no such option


def table() -> dict[tuple[str, str], str]:
    """What the page says of a law and a rule."""
    lines = re.findall(r"^\| .*$", (PAGES / "test-your-own.md").read_text("utf-8"), re.MULTILINE)
    (_, *rules), *rows = [line.replace("`", "").strip("| ").split(" | ") for line in lines]
    return {
        (row[0].lower(), rule): answer
        for row in rows
        for rule, answer in zip(rules, row[1:], strict=True)
    }


TABLE = table()


def is_kept(answer: str) -> bool:
    """Whether a law is, in this version of JAX: "yes", "no", "no since 0.6.2", "no before 0.12"."""
    word, _, condition = answer.partition(" ")
    when, _, version = condition.partition(" ")
    number = tuple(map(int, version.split("."))) if version else ()
    broken = {"": True, "since": number <= JAX, "before": number > JAX}
    return {"yes": True, "no": not broken[when]}[word]


def test_the_table_has_every_law() -> None:
    """And no other; its rules are those that are tried here."""
    assert {law for law, _ in TABLE} == set(LAWS)
    assert {rule for _, rule in TABLE} == {*RULES, "generic"}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_keeps_or_breaks(law: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the table says."""
    monkeypatch.setattr(laws, "spike", RULES[rule]())
    if is_kept(TABLE[law, rule]):
        LAWS[law]()
    else:
        with pytest.raises((AssertionError, TypeError, ValueError)):
            LAWS[law]()
