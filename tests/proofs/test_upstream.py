"""The file with which readers test a rule, put to right and wrong rules, and JAX's mistakes.

Right rules pass, and each wrong one, of `wrong_rules.toml`, fails where it says.
"""

import inspect
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
from jax._src.interpreters import partial_eval
from tests.test_laws import DOCS, Function, check, checks, file, gaussian, spike

from relugrad import relu_grad

REPORT = (DOCS / "reports/scan-custom-vjp-residuals.md").read_text("utf-8")
BLOCKS = re.findall(r"(?ms)^```(python|text|diff)\n(.*?)^```", REPORT)
CODE, PRINTED, DIFF = (
    "".join(block for kind, block in BLOCKS[:5] if kind == wanted)
    for wanted in ("python", "text", "diff")
)


def test_the_report_shows_what_jax_prints_and_its_fix_makes_it_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the diff applied to the installed method, whatever its white space is."""
    exec(CODE, {})  # noqa: S102 - code of our own page
    assert capsys.readouterr().out == PRINTED
    lines = DIFF.splitlines()[3:]
    old, new = ("\n".join(line[1:] for line in lines if line[:1] in kept) for kept in (" -", " +"))
    method = inspect.getsource(partial_eval.JaxprTrace.process_custom_vjp_call)
    (found,) = re.findall(r"\s+".join(map(re.escape, old.split())), method)
    mended: dict[str, Any] = dict(vars(partial_eval))
    exec(f"class Mended(JaxprTrace):\n{method.replace(found, new.strip())}", mended)  # noqa: S102
    fixed = mended["Mended"].process_custom_vjp_call
    monkeypatch.setattr(partial_eval.JaxprTrace, "process_custom_vjp_call", fixed)
    exec(CODE, {})  # noqa: S102
    right = "0.29552022 0.29552022\n[0.9553365] [0.9553365]\n[1.910673] [1.910673]\n"
    assert capsys.readouterr().out == right


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


def alone(rule: Function, value: Function, change: Function, x: Any, **settings: Any) -> Any:
    """The file with a function of x alone."""
    settings = {"X": x, "POINTS": x, "PARAMETERS": [()], "BAD": []} | settings
    return file(rule=rule, value=value, change=change, **settings)


def exact(f: Function, x: Any, **settings: Any) -> Any:
    """With a rule that computes the true derivative, of any function."""
    rule = jax.custom_vjp(f)
    rule.defvjp(lambda x: (rule(x), jax.tree.map(jnp.copy, x)), lambda x, ct: jax.vjp(f, x)[1](ct))
    return alone(rule, f, lambda dx, x: jax.jvp(f, (x,), (dx,))[1], x, **settings)


tanh = jax.custom_vjp(lambda x: jnp.tanh(x))
tanh.defvjp(lambda x: (tanh(x), tanh(x)), lambda y, ct: (ct * (1 - y * y),))


def _quantized(xs: Any) -> Array:
    """Rounded to multiples of a width that is learned: no one function has these derivatives."""
    return jnp.round(xs[0] / xs[1]) * xs[1]


def by_width(dxs: Any, xs: Any) -> Array:
    return dxs[0] + dxs[1] * (jnp.round(xs[0] / xs[1]) - xs[0] / xs[1])


learned = jax.custom_vjp(_quantized)
learned.defvjp(
    lambda xs: (learned(xs), jax.tree.map(jnp.copy, xs)),
    lambda xs, ct: ((ct, by_width((0, ct), xs)),),
)
clipped = jax.custom_vjp(lambda x: jnp.round(x))  # straight-through
clipped.defvjp(lambda x: (clipped(x), None), lambda _, ct: (jnp.clip(ct, -100, 100),))

X = jnp.array([-2.3, -0.4, 0.2, 1.7])
BOTH = X, jnp.array([0.9, 1.1, 0.45, 0.7])
FAR = {"POINTS": jnp.append(file().POINTS, -file().POINTS)}
WHOLE = {"ELEMENT_BY_ELEMENT": False}
RIGHT: dict[str, Callable[[], Any]] = {
    "in parts": lambda: spike(rule(), triangle),
    "surrogate of the page": gaussian,
    "relugrad": lambda: spike(lambda x, p: relu_grad(x, p, 1.0), triangle),
    "square": lambda: exact(jnp.square, X, **FAR),
    "exponential": lambda: exact(jnp.exp, X, **FAR),
    "of its result": lambda: alone(tanh, jnp.tanh, lambda dx, x: dx / jnp.cosh(x) ** 2, X, **FAR),
    "of two arrays": lambda: exact(lambda xs: jnp.sin(xs[0]) * xs[1], BOTH),
    "of all numbers": lambda: exact(lambda x: jnp.exp(x) / jnp.exp(x).sum(), X, **WHOLE),
    "to one number": lambda: exact(lambda x: jnp.sqrt(x @ x), X, **WHOLE),
    "of a dictionary": lambda: exact(
        lambda x: {"c": x["a"] * x["b"].mean()}, {"a": X, "b": X**2}, **WHOLE
    ),
    "with a learned width": lambda: alone(learned, _quantized, by_width, BOTH, SECOND=False),
    "clipped": lambda: alone(clipped, jnp.round, lambda dx, x: dx, X, COTANGENTS=[1.0]),
}
if jax.__version_info__ >= (0, 12):
    hijax = runpy.run_path(str(DOCS / "custom-derivatives/hijax_rule.py"))["root"]
    RIGHT["hijax"] = lambda: file(rule=hijax, FORWARD_MODE=True)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rule_passes(name: str) -> None:
    module = RIGHT[name]()
    for passed in checks(module):
        check(module, passed)


WRONG = tomllib.loads(Path(__file__).with_name("wrong_rules.toml").read_text("utf-8"))
ARGUMENTS = {"times": "ct, slope", "returned": "spikes", "cast": "gradient, x"}
ERRORS = AssertionError, TypeError, ValueError, IndexError


@pytest.mark.parametrize(
    ("found_by", "part", "wrong"),
    [
        (name, part, wrong)
        for name, parts in WRONG.items()
        for part in parts
        for wrong in parts[part]
    ],
)
def test_a_wrong_rule_is_found(found_by: str, part: str, wrong: str) -> None:
    """By the program, or the test, that is named."""
    code = f"lambda {ARGUMENTS.get(part, 'x, p')}: ({WRONG[found_by][part][wrong]})"
    module = spike(rule(**{part: eval(code, globals())}), triangle)
    with pytest.raises(ERRORS):
        check(module, found_by)


@pytest.mark.parametrize("wrong", [jnp.floor, lambda x: x + 100, lambda x: x])
def test_a_wrong_value_of_a_function_that_grows_is_found(wrong: Function) -> None:
    """Not within a tolerance that the largest number widens."""
    straight = exact(jnp.round, X, **FAR)
    straight.rule, straight.change = wrong, lambda dx, x: dx
    with pytest.raises(AssertionError):
        check(straight, "POINTS")
