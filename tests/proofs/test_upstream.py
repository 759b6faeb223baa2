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


of_arctan = jax.custom_vjp(lambda x: jnp.arctan(x))
of_arctan.defvjp(lambda x: (of_arctan(x), of_arctan(x)), lambda y, ct: (ct * jnp.cos(y) ** 2,))
tanh = jax.custom_vjp(lambda x: jnp.tanh(x))
tanh.defvjp(lambda x: (tanh(x), tanh(x)), lambda y, ct: (ct * (1 - y * y),))


def _quantized(xs: Any) -> Array:
    """Rounded to multiples of a width that is learned: no one function has these derivatives."""
    return jnp.round(xs[0] / xs[1]) * xs[1]


def by_width(dxs: Any, xs: Any) -> Array:
    return dxs[0] + dxs[1] * (jnp.round(xs[0] / xs[1]) - xs[0] / xs[1])


def _by_both(xs: Any, ct: Array) -> tuple[Any]:
    slopes = jnp.ones_like(ct), by_width((0, 1), xs)
    return (jax.tree.map(lambda x, slope: (ct * slope).astype(x.dtype), xs, slopes),)


learned = jax.custom_vjp(_quantized)
learned.defvjp(lambda xs: (learned(xs), jax.tree.map(jnp.copy, xs)), _by_both)
clipped = jax.custom_vjp(lambda x: jnp.round(x))  # straight-through
clipped.defvjp(lambda x: (clipped(x), None), lambda _, ct: (jnp.clip(ct, -100, 100),))


def with_parameters(f: Function, slope: Function, keep: Function = jnp.copy) -> Function:
    """A rule of x and of parameters that may be arrays, or several."""

    def value(x: Array, *p: Any) -> Array:
        nothing = sum(0 * jnp.sum(a) for a in jax.tree.leaves(p))
        return f(x, *p) + jnp.asarray(nothing, x.dtype)

    def backward(residuals: Any, ct: Array) -> tuple[Any, ...]:
        return (ct * slope(*residuals)).astype(ct.dtype), *(None for _ in residuals[1:])

    rule = jax.custom_vjp(value)
    rule.defvjp(lambda x, *p: (rule(x, *p), (jnp.copy(x), *jax.tree.map(keep, p))), backward)
    return rule


def parametrized(f: Function, slope: Function, **settings: Any) -> Any:
    """The file with such a rule."""
    settings = {"POINTS": FAR["POINTS"], "BAD": []} | settings
    change = settings.pop("change", lambda dx, *a: dx * slope(*a))
    return file(rule=with_parameters(f, slope), value=f, change=change, **settings)


def nearest(x: Array, levels: Array) -> Array:
    """Of these levels, but NaN stays."""
    distances = abs(x[..., None].astype("float32") - levels)
    return jnp.where(jnp.isnan(x), x, levels[jnp.argmin(distances, -1)].astype(x.dtype))


def bell(x: Array, height: Any, width: Any) -> Array:
    return height * jnp.exp(-((x / width) ** 2))


def by_loop(x: Array, height: Any) -> Array:
    """The same in a loop, which JAX can't differentiate in reverse."""
    start = 0, x + height  # on the same devices
    return jax.lax.while_loop(lambda c: c[0] < 1, lambda c: (c[0] + 1, bell(x, height, 1)), start)[
        1
    ]


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
    "of an array for each column": lambda: parametrized(
        lambda x, p: jnp.where(x <= p, 0, x).astype(x.dtype),
        lambda x, p: jax.nn.sigmoid(x - p),
        X=X[:3, None] * jnp.array([1.0, 0.7]),
        POINTS=FAR["POINTS"][:, None] * jnp.array([1.0, -0.7]),
        PARAMETERS=[(jnp.array([0.4, 0.6]),), (jnp.array([1.0, 0.1]),)],
        BAD=[(jnp.array([jnp.nan, jnp.nan]),)],
        **WHOLE,
    ),
    "of an array of levels": lambda: parametrized(
        nearest,
        lambda x, levels: (abs(x) < jnp.max(abs(levels))).astype(x.dtype),
        PARAMETERS=[(jnp.array([-1.5, -0.5, 0.5, 1.5]),), (jnp.array([-2.0, 0.25]),)],
    ),
    "of two parameters": lambda: parametrized(
        lambda x, *p: jnp.sign(x), bell, X=X, PARAMETERS=[(0.3, 1.0), (2.0, 0.5)]
    ),
    "of a dictionary of parameters": lambda: parametrized(
        lambda x, p: jnp.sign(x),
        lambda x, p: bell(x, **p),
        X=X,
        PARAMETERS=[({"height": 0.3, "width": 1.0},), ({"height": 1.5, "width": 2.0},)],
    ),
    "logarithm with a bounded slope": lambda: parametrized(
        lambda x, p: jnp.log(x),
        lambda x, p: 1 / jnp.maximum(x, p) + 0 * p,
        POINTS=file().POINTS,
        PARAMETERS=[(0.1,), (0.5,)],
    ),
    "inverse hyperbolic tangent": lambda: exact(
        jnp.arctanh, X / 5, POINTS=jnp.linspace(-0.99, 0.99, 1000)
    ),
    "with a backward pass without a derivative": lambda: parametrized(
        lambda x, p: jnp.sign(x),
        by_loop,
        change=lambda dx, x, p: dx * bell(x, p, 1),
        X=X,
        SECOND=False,
    ),
    "heavy tail": lambda: exact(jnp.arctan, X, **FAR),
    "of its result, heavy tail": lambda: alone(
        of_arctan, jnp.arctan, lambda dx, x: dx / (1 + x * x), X, **FAR
    ),
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


def test_a_wrong_type_of_a_gradient_is_found() -> None:
    """A parameter's in the type of x, and those of a pytree in one type."""
    module = file()
    backward = module.backward
    module.root.defvjp(
        module.forward, lambda r, ct: (backward(r, ct)[0], jnp.zeros(r[1].shape, ct.dtype))
    )
    one_type = exact(lambda xs: jnp.sin(xs[0]) * xs[1], BOTH)
    rule = jax.custom_vjp(one_type.value)

    def of_one_type(xs: Any, ct: Array) -> Any:
        gradients = jax.vjp(one_type.value, xs)[1](ct)
        return jax.tree.map(lambda g: g.astype(xs[0].dtype), gradients)

    rule.defvjp(lambda xs: (rule(xs), jax.tree.map(jnp.copy, xs)), of_one_type)
    one_type.rule = rule
    for wrong in module, one_type:
        with pytest.raises(ERRORS):
            check(wrong, "test_dtype")


def test_a_parameter_stored_for_each_number_is_found() -> None:
    """Where nothing else is stored."""
    straight = parametrized(lambda x, p: jnp.round(x), lambda x, p: p + 0 * x)
    check(straight, "test_memory")
    rule = jax.custom_vjp(straight.value)
    rule.defvjp(
        lambda x, p: (rule(x, p), jnp.broadcast_to(jnp.asarray(p, x.dtype), x.shape)),
        lambda p, ct: (ct * p, None),
    )
    straight.rule = rule
    with pytest.raises(AssertionError):
        check(straight, "test_memory")


@pytest.mark.parametrize("last", [10, 600, 3e4])
def test_a_tail_that_is_cut_is_found(last: float) -> None:
    """Of a slope that is tiny there, and far from it."""
    heavy = exact(jnp.arctan, X, **FAR)
    cut = jax.custom_vjp(jnp.arctan)
    cut.defvjp(
        lambda x: (cut(x), jnp.copy(x)),
        lambda x, ct: (jnp.where(abs(x) < last, ct / (1 + x * x), 0),),
    )
    heavy.rule = cut
    with pytest.raises(AssertionError):
        check(heavy, "POINTS")
