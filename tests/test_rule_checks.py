"""The file with which readers check a rule: what our pages offer passes, and wrong rules are found.

ReluGrad goes through it in test_reference.py, and the rules of its page in docs/custom-derivatives.
"""

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import Array
from jax.custom_batching import custom_vmap
from rule_checks import Rule

Function = Callable[..., Any]

DOCS = Path(__file__).parents[1] / "docs"
X = jnp.array([-1.7, -0.4, 0.3, 0.8])
POSITIVE = jnp.array([0.02, 0.3, 0.8, 1.7])
BAD = [(jnp.nan,), (jnp.inf,)]


def page(name: str) -> str:
    return next(DOCS.glob(f"*/{name}")).read_text("utf-8")


def shown(name: str, *wanted: str) -> dict[str, Any]:
    """What a page's cells define that define this last."""
    cells = re.findall(r"(?ms)^```\{code-cell\} python\n((?![:-]).*?)^```", page(name))
    names: dict[str, Any] = {}
    for one in wanted:
        found = [cell for cell in cells if re.search(rf"(?m)^(def {one}\(|{one} =)", cell)]
        exec(found[-1], names)  # noqa: S102 - code of our own page
    return names


def spike(function: Function, slope: Function, x: Any = X, **settings: Any) -> Rule:
    """A spike of x and, if nothing else is said, of a positive parameter."""
    settings = {"parameters": [(0.3,), (1.0,)], "bad": [(-1.0,), (0.0,), *BAD]} | settings
    change = lambda dx, x, *p: slope(x, *p) * dx
    return Rule(function, lambda x, *p: (x >= 0).astype(x.dtype), change, x, **settings)


def root(function: Function, **settings: Any) -> Rule:
    """The square root of *Write a rule*, whose slope is bounded."""
    change = lambda dx, x, p: dx / (2 * jnp.sqrt(jnp.maximum(x, p**2)))
    value = lambda x, smallest: jnp.sqrt(x)
    return Rule(function, value, change, POSITIVE, [(0.3,), (1.0,)], BAD, **settings)


copies = lambda *arguments: jax.tree.map(jnp.copy, arguments)
bump = lambda x, p: jnp.exp(-((x * p) ** 2))
tanh = lambda x, p: jnp.tanh(x) + jnp.asarray(0 * p, x.dtype)


def ruled(value: Function, gradient: Function, stored: Function = copies) -> Function:
    """A function with this gradient, of what is stored and of the cotangent."""
    function = jax.custom_vjp(value)
    function.defvjp(lambda *a: (function(*a), stored(*a)), lambda kept, ct: gradient(*kept, ct))
    return function


write = shown("write.md", "root", "hypotenuse", "length", "clipped", "both_modes")
own = shown("surrogate-gradient-and-reset.md", "surrogate", "slopes")
RULES = {
    "root": root(write["root"]),
    "both_modes": root(jax.checkpoint(jax.checkpoint(write["both_modes"])), forward_mode=True),
    "hypotenuse": Rule(
        *(lambda xy: write["hypotenuse"](*xy), lambda xy: jnp.hypot(*xy)),
        x=(X, POSITIVE),
        skip={"memory": "16 bits are stored as 32, so that squares don't overflow"},
    ),
    "length": Rule(
        write["length"],
        lambda tree: jnp.sqrt(sum((a.astype(float) ** 2).sum() for a in tree.values())),
        x={"a": X, "b": POSITIVE[:2]},
        element_by_element=False,
    ),
    "clipped": Rule(lambda x: write["clipped"](x, 100.0), lambda x: x, cotangents=[1.0]),
    "Gaussian": spike(own["surrogate"](own["slopes"]["Gaussian"]), own["slopes"]["Gaussian"]),
}
if jax.__version_info__ >= (0, 12):
    RULES["hijax"] = root(importlib.import_module("hijax_rule").root, forward_mode=True)


def named(rule: Rule) -> dict[str, Any]:
    checks: list[Any] = rule.checks()
    return {check.__name__: check for check in checks}


def each_check(rules: dict[str, Rule]) -> list[Any]:
    checks = [
        (f"{key}-{name}", check) for key in rules for name, check in named(rules[key]).items()
    ]
    return [pytest.param(check, id=name) for name, check in checks]


@pytest.mark.parametrize("check", each_check(RULES))
def test_a_rule_of_a_page_passes(check: Function) -> None:
    check()


def smooth(**parts: Function) -> Rule:
    """The hyperbolic tangent with the slope of a bell, or with something else."""
    slope, times = parts.get("slope", bump), parts.get("times", jnp.multiply)
    gradient = lambda x, p, *a: (times(a[-1], slope(x, p)).astype(a[-1].dtype), None)
    function = ruled(parts.get("value", tanh), gradient, parts.get("stored", copies))
    change = lambda dx, x, p: dx * bump(x, p)
    return Rule(function, lambda x, p: jnp.tanh(x), change, X, [(0.3,), (1.2,)], BAD)


def in_batches(right: Function, wrong: Function) -> Function:
    """A function of numbers that is another under vmap, as a rule for vmap may make it."""
    mapped = custom_vmap(right)

    def batched(size: int, has_batch: Any, *a: Array) -> Any:
        return wrong(has_batch, jax.vmap(mapped, [0 if n else None for n in has_batch])(*a)), True

    mapped.def_vmap(batched)
    function = jax.custom_jvp(mapped)
    function.defjvp(lambda a, dx: (function(*a), jax.jvp(right, a, dx)[1]))
    return function


def if_both(x: Array, ct: Any) -> Any:
    gradient = ct[0] * jnp.cos(x) - ct[1] * jnp.sin(x)
    return (jnp.where(jnp.any(ct[0] != 0) & jnp.any(ct[1] != 0), gradient, 0),)


both = lambda x: (jnp.sin(x), jnp.cos(x))
uncopied = ruled(
    lambda x, p: jnp.sqrt(jnp.where(x > 0, x, 0.0)) + 0 * p,
    lambda x, p, ct: (ct / (2 * jnp.sqrt(jnp.maximum(x, p**2))), None),
    stored=lambda *a: a,
)
WRONG = {
    "points": smooth(slope=lambda x, p: bump(x, p) + (abs(x) > 1e6)),
    "no_axes": smooth(value=lambda x, p: jnp.atleast_1d(tanh(x, p))),
    "shape_60_90": smooth(slope=lambda x, p: bump(x[:, ::-1] if x.ndim == 2 else x, p)),
    "one_call": smooth(slope=lambda x, p: bump(x, jax.lax.stop_gradient(p))),
    "two_calls": smooth(times=lambda ct, slope: jax.lax.stop_gradient(ct) * slope),
    "vmap_over_parameters": smooth(value=lambda x, p: jnp.tanh(x)),
    "vmap_over_both": smooth(slope=in_batches(bump, lambda axes, y: y * (1 + all(axes)))),
    "vmap_in_vmap": smooth(slope=in_batches(bump, lambda axes, y: y[::-1] if y.ndim > 1 else y)),
    "parameter_for_each_column": smooth(slope=lambda x, p: bump(x, jnp.mean(p))),
    "outputs_alone": Rule(ruled(both, if_both), both),
    "jacobian": smooth(times=in_batches(jnp.multiply, lambda axes, y: y if all(axes) else 2 * y)),
    "cotangents": smooth(times=lambda ct, slope: jnp.clip(ct, -1e8, 1e8) * slope),
    "dtypes": smooth(value=lambda x, p: jnp.tanh(x) + 0 * p),
    "memory": smooth(stored=lambda x, p: (x, p, bump(x, p))),
    "nan": smooth(slope=lambda x, p: jnp.nan_to_num(bump(x, p))),
    "bad": smooth(value=lambda x, p: jnp.tanh(x) + jnp.nan_to_num(0 * p)),
}
# JAX's mistake in docs/reports
if jax.__version_info__ >= (0, 6, 2) and not getattr(jax.config, "jax_custom_vjp3", False):
    WRONG.update({"recurrent_scan": root(uncopied), "scan_in_scan": root(uncopied)})


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_found(name: str) -> None:
    """By the check that is named."""
    with pytest.raises(AssertionError, match=f"in {name}"):
        named(WRONG[name])[name]()


MISFITS: list[dict[str, Any]] = [
    *({"points": abs(X)}, {"points": (X,)}, {"x": jnp.arange(4)}, {"x": X * jnp.inf}),
    *(
        {"parameters": [(1.0,), (1.0, 2.0)]},
        {"bad": [jnp.nan]},
        {"skip": {"memories": "not its name"}},
    ),
    {"change": lambda dx, x: dx.sum()},
]


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_does_not_fit_together_is_named(misfit: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(misfit))}"):
        Rule(jnp.tanh, jnp.tanh, **misfit)


IMPORT = """
import os, jax
before = dict(os.environ)
import rule_checks
from jax._src import xla_bridge
assert os.environ == before and not xla_bridge._backends
checks = rule_checks.Rule(jax.nn.softplus, jax.nn.softplus).checks()
next(check for check in checks if check.__name__ == "mesh")()
"""


def test_importing_it_changes_nothing_and_one_device_is_said() -> None:
    folder, command = str(DOCS / "custom-derivatives"), [sys.executable, "-c", IMPORT]
    with subprocess.Popen(command, env={"PYTHONPATH": folder}, stderr=subprocess.PIPE) as process:
        assert b"SkipTest: one device" in process.communicate()[1]


def test_the_page_shows_what_pytest_says(monkeypatch: pytest.MonkeyPatch) -> None:
    example = importlib.import_module("test_relu")
    tests = example.test_relu, example.test_softplus
    number = sum(len(test.pytestmark[0].args[1]) for test in tests)
    assert f"{number - 2} passed, 2 skipped" in page("test.md")  # on one device
    backward = lambda kept, ct: (ct * jax.nn.sigmoid(kept[0] / kept[1]), None)
    monkeypatch.setattr(example.relu, "bwd", backward)
    with pytest.raises(AssertionError, match="gradient by x of relu in bad with width = inf is"):
        replace(example.RELU).checks()[-1]()
