"""The file with which readers test a rule, put to right and wrong rules, and JAX's mistakes.

Right rules pass, and each wrong one, of `wrong_rules.toml`, fails where it says.
"""

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
from tests.test_laws import DOCS, Function, check, checks, example, file, gaussian, spike

from relugrad import relu_grad

REPORT = (DOCS / "reports/scan-custom-vjp-residuals.md").read_text("utf-8")


def test_the_report_shows_what_jax_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """Its fix is a patch of JAX, for those who read the report."""
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```.*?^```text\n(.*?)^```", REPORT)
    assert len(blocks) == 2
    names: dict[str, Any] = {}  # the second goes on from the first
    for code, printed in blocks:
        exec(code, names)  # noqa: S102 - code of our own page
        assert capsys.readouterr().out == printed


# A rule of a triangle with width 1, in parts


def prepared(x: Array, p: Any) -> tuple[Array, Array]:
    p = jnp.asarray(p, "float32")
    return x, p + 0 * jnp.log(p)


def step(x: Array, p: Array) -> Array:
    x = jnp.where(jnp.isnan(p), p.astype(x.dtype), x)
    return jnp.where(jnp.isnan(x), x, jnp.where(x >= 0, 1.0, 0.0))


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


def alone(rule: Function, value: Function, change: Function, x: Any, **settings: Any) -> Any:
    """The file with a function of x alone."""
    settings = {"X": x, "POINTS": x, "PARAMETERS": [()], "BAD": []} | settings
    return file(rule=rule, value=value, change=change, **settings)


def copies(*arguments: Any) -> Any:
    return jax.tree.map(jnp.copy, arguments)


def with_gradient(f: Function, gradient: Function, stored: Function = copies) -> Function:
    """A rule with this gradient of what is stored and the cotangent."""
    rule = jax.custom_vjp(f)
    rule.defvjp(lambda *a: (rule(*a), stored(*a)), lambda kept, ct: gradient(*kept, ct))
    return rule


def exact(f: Function, x: Any, **settings: Any) -> Any:
    """With a rule that computes the true derivative, of any function."""
    rule = with_gradient(f, lambda x, ct: jax.vjp(f, x)[1](ct))
    return alone(rule, f, lambda dx, x: jax.jvp(f, (x,), (dx,))[1], x, **settings)


arctan = with_gradient(jnp.arctan, lambda y, ct: (ct * jnp.cos(y) ** 2,), lambda x: [jnp.arctan(x)])
clipped = with_gradient(lambda x: jnp.round(x), lambda x, ct: (jnp.clip(ct, -100, 100),))


def quantized(xs: Any) -> Array:
    """Rounded to multiples of a width that is learned: no one function has these derivatives."""
    return jnp.round(xs[0] / xs[1]) * xs[1]


def by_width(dxs: Any, xs: Any) -> Array:
    return dxs[0] + dxs[1] * (jnp.round(xs[0] / xs[1]) - xs[0] / xs[1])


def by_both(xs: Any, ct: Array) -> tuple[Any]:
    slopes = jnp.ones_like(ct), by_width((0, 1), xs)
    return (jax.tree.map(lambda x, slope: (ct * slope).astype(x.dtype), xs, slopes),)


learned = with_gradient(quantized, by_both)


def parametrized(f: Function, slope: Function, **settings: Any) -> Any:
    """The file with a rule of x and of parameters that may be arrays, or several."""

    def value(x: Array, *p: Any) -> Array:
        nothing = sum(0 * jnp.sum(a) for a in jax.tree.leaves(p))
        return f(x, *p) + jnp.asarray(nothing, x.dtype)

    def gradient(x: Array, *p_and_ct: Any) -> tuple[Any, ...]:
        *p, ct = p_and_ct
        return (ct * slope(x, *p)).astype(ct.dtype), *(None for _ in p)

    settings = {"POINTS": FAR["POINTS"], "BAD": []} | settings
    rule = with_gradient(value, gradient)
    return file(rule=rule, value=value, change=lambda dx, *a: dx * slope(*a), **settings)


X = jnp.array([-2.3, -0.4, 0.2, 1.7])
BOTH = X, jnp.array([0.9, 1.1, 0.45, 0.7])
NAMED = {"a": X, "b": X**2}
FAR = {"POINTS": jnp.append(file().POINTS, -file().POINTS)}
WHOLE = {"ELEMENT_BY_ELEMENT": False}
RIGHT: dict[str, Callable[[], Any]] = {
    "in parts": lambda: spike(rule(), triangle),
    "root, of the file": file,
    "relu, of the page": example,
    "surrogate of the page": gaussian,
    "relugrad": lambda: spike(lambda x, p: relu_grad(x, p, 1.0), triangle),
    "exponential": lambda: exact(jnp.exp, X, **FAR),
    "of two arrays": lambda: exact(lambda xs: jnp.sin(xs[0]) * xs[1], BOTH),
    "of all numbers": lambda: exact(lambda x: jnp.exp(x) / jnp.exp(x).sum(), X, **WHOLE),
    "to one number": lambda: exact(lambda x: jnp.sqrt(x @ x), X, **WHOLE),
    "of a dictionary": lambda: exact(lambda x: {"c": x["a"] * x["b"].mean()}, NAMED, **WHOLE),
    "with a learned width": lambda: alone(learned, quantized, by_width, BOTH, SECOND=False),
    "of an array for each column": lambda: parametrized(
        lambda x, p: jnp.where(x <= p, 0, x).astype(x.dtype),
        lambda x, p: jax.nn.sigmoid(x - p),
        X=X[:3, None] * jnp.array([1.0, 0.7]),
        POINTS=FAR["POINTS"][:, None] * jnp.array([1.0, -0.7]),
        PARAMETERS=[(jnp.array([0.4, 0.6]),), (jnp.array([1.0, 0.1]),)],
        BAD=[(jnp.array([jnp.nan, jnp.nan]),)],
        **WHOLE,
    ),
    "of a dictionary of parameters, and a number": lambda: parametrized(
        lambda x, p, width: jnp.sign(x),
        lambda x, p, width: p["height"] * jnp.exp(-((x / width) ** 2)),
        X=X,
        PARAMETERS=[({"height": 0.3}, 1.0), ({"height": 1.5}, 2.0)],
    ),
    "of its result": lambda: alone(arctan, jnp.arctan, lambda dx, x: dx / (1 + x * x), X, **FAR),
    "clipped": lambda: alone(clipped, jnp.round, lambda dx, x: dx, X, COTANGENTS=[1.0]),
}
if jax.__version_info__ >= (0, 12):
    hijax = runpy.run_path(str(DOCS / "custom-derivatives/hijax_rule.py"))["root"]
    RIGHT["hijax"] = lambda: file(rule=hijax, FORWARD_MODE=True)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rule_passes(name: str) -> None:
    for passes in checks(RIGHT[name]()).values():
        passes()


WRONG = tomllib.loads(Path(__file__).with_name("wrong_rules.toml").read_text("utf-8"))
NAMES = [(by, part, name) for by in WRONG for part in WRONG[by] for name in WRONG[by][part]]
ARGUMENTS = {"times": "ct, slope", "returned": "spikes", "cast": "gradient, x"}
ERRORS = AssertionError, TypeError, ValueError, IndexError


@pytest.mark.parametrize(("found_by", "part", "wrong"), NAMES)
def test_a_wrong_rule_is_found(found_by: str, part: str, wrong: str) -> None:
    """By the program, or the test, that is named."""
    code = f"lambda {ARGUMENTS.get(part, 'x, p')}: ({WRONG[found_by][part][wrong]})"
    module = spike(rule(**{part: eval(code, globals())}), triangle)
    with pytest.raises(ERRORS):
        check(module, found_by)


def assert_found(wrong: Function, module: Any, name: str, errors: Any = AssertionError) -> None:
    """The right rule passes, and the wrong one in its place doesn't."""
    check(module, name)
    module.rule = wrong
    with pytest.raises(errors):
        check(module, name)


@pytest.mark.parametrize("wrong", [jnp.floor, lambda x: x + 100, lambda x: x])
def test_a_wrong_value_of_a_function_that_grows_is_found(wrong: Function) -> None:
    """Not within a tolerance that the largest number widens."""
    straight = alone(clipped, jnp.round, lambda dx, x: dx, X, **FAR)
    assert_found(with_gradient(wrong, lambda x, ct: (ct,)), straight, "POINTS")


def test_a_wrong_type_of_a_gradient_is_found() -> None:
    """A parameter's in the type of x, and those of a pytree in one type."""
    root, two = file(), exact(lambda xs: jnp.sin(xs[0]) * xs[1], BOTH)

    def of_root(x: Array, p: Array, ct: Array) -> Any:
        return ct / 2 / jnp.sqrt(x), jnp.zeros(p.shape, ct.dtype)

    def of_two(xs: Any, ct: Array) -> Any:
        return jax.tree.map(lambda g: g.astype(xs[0].dtype), jax.vjp(two.value, xs)[1](ct))

    assert_found(with_gradient(root.value, of_root), root, "test_dtype", ERRORS)
    assert_found(with_gradient(two.value, of_two), two, "test_dtype", ERRORS)


def test_a_parameter_stored_for_each_number_is_found() -> None:
    """Where nothing else is stored."""
    straight = parametrized(lambda x, p: jnp.round(x), lambda x, p: p + 0 * x)

    def stored(x: Array, p: Any) -> tuple[Array]:
        return (jnp.broadcast_to(jnp.asarray(p, x.dtype), x.shape),)

    wrong = with_gradient(straight.value, lambda p, ct: (ct * p, None), stored)
    assert_found(wrong, straight, "test_memory")


@pytest.mark.parametrize("end", [10, 3e4])
def test_a_tail_that_is_cut_is_found(end: float) -> None:
    """Of a slope that is tiny there, and far from it."""
    cut = with_gradient(jnp.arctan, lambda x, ct: (jnp.where(abs(x) < end, ct / (1 + x * x), 0),))
    assert_found(cut, exact(jnp.arctan, X, **FAR), "POINTS")
