"""The file with which readers check a rule: wrong rules are found, and misfits named.

Right rules go through it in test_reference.py, and those of its own page in the page's example.
"""

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import SkipTest

import jax
import jax.numpy as jnp
import pytest
from jax.experimental import io_callback
from rule_checks import Rule

Function = Callable[..., Any]

DOCS = Path(__file__).parents[1] / "docs"
X = jnp.array([0.02, 0.3, 0.8, 1.7])
NUMBER: Any = {"parameters": [(0.3,), (1.0,)], "bad": [(jnp.nan,), (jnp.inf,)]}


def shown(name: str, wanted: str) -> dict[str, Any]:
    """What those cells of a page define that define this; of two with one name, the last."""
    names: dict[str, Any] = {}
    code = r"(?s)```{code-cell} python\n(.*?)```"
    for cell in re.findall(code, (DOCS / name).read_text("utf-8")):
        if re.search(rf"(?m)^(def ({wanted})\(|({wanted}) =)", cell):
            exec(cell, names)  # noqa: S102 - code of our own page
    return names


def root(function: Function, **settings: Any) -> Rule:
    """The square root of *Write a rule*, whose slope is bounded."""
    change = lambda dx, x, p: dx / (2 * jnp.sqrt(jnp.maximum(x, p**2)))
    return Rule(function, lambda x, p: jnp.sqrt(x), change, X, **NUMBER, **settings)


bump = lambda x, p: jnp.exp(-((x * p) ** 2))
tanh = lambda x, p: jnp.tanh(x) + jnp.asarray(0 * p, x.dtype)
copies = lambda *arguments: jax.tree.map(jnp.copy, arguments)


def smooth(**changed: Function) -> Rule:
    """The hyperbolic tangent with the slope of a bell, or with something else."""
    parts: dict[str, Function] = {"value": tanh, "slope": bump, "times": jnp.multiply}
    parts |= {"stored": copies, "of_p": lambda ct: None, "dtype": lambda ct: ct.dtype} | changed
    function = jax.custom_vjp(parts["value"])

    def backward(stored: Any, ct: Any) -> Any:
        of_x = parts["times"](ct, parts["slope"](*stored[:2]))
        return of_x.astype(parts["dtype"](ct)), parts["of_p"](ct)

    function.defvjp(lambda *a: (function(*a), parts["stored"](*a)), backward)
    return Rule(function, lambda x, p: jnp.tanh(x), lambda dx, x, p: dx * bump(x, p), **NUMBER)


# JAX can't differentiate a rule for vmap
once = lambda **parts: replace(smooth(**parts), second=False)


def in_batches(function: Function, other: Function) -> Function:
    """A function that is another under vmap, as a rule for vmap may make it."""
    mapped = jax.custom_batching.custom_vmap(function)

    @mapped.def_vmap
    def batched(size: int, axes: Any, *a: Any) -> Any:
        return other(axes, jax.vmap(function, [0 if axis else None for axis in axes]))(*a), True

    return mapped


# A callback, which jax.checkpoint refuses
logged = lambda *arguments: (io_callback(lambda: None, None), copies(*arguments))[1]
# The gradient by p is another where x gets none
of_p_alone: Any = smooth().function
x_counts = lambda x, p: (of_p_alone(x.value, p.value), (x.value, p.value, (0,) * x.perturbed))
or_of_p = lambda kept, ct: (ct * bump(*kept[:2]), None if kept[2] else ct.sum())
of_p_alone.defvjp(x_counts, or_of_p, symbolic_zeros=True)
double = lambda function: lambda *a: 2 * function(*a)
in_any_batch = lambda axes, f: double(f)
both = jax.custom_vjp(lambda x: (jnp.sin(x), jnp.cos(x)))
if_both = lambda x, ct: (ct[0] * jnp.cos(x) - ct[1] * (ct[0] != 0) * jnp.sin(x),)
both.defvjp(lambda x: (both(x), x), if_both)
wrong = shown("custom-derivatives/goes-wrong.md", "with_rule")
uncopied = wrong["with_rule"](lambda x, p: wrong["guarded"](x, p) + 0 * p, wrong["as_it_is"])
if_x_alone = lambda axes, f: double(f) if axes == [True, False] else f
shifted = wrong["with_rule"](lambda x, p: jnp.sqrt(x + 1e-7) + 0 * p, wrong["as_it_is"])
WRONG = {
    "points": smooth(slope=lambda x, p: bump(x, p) + (x < -1e6)),
    "points, at 0": smooth(slope=lambda x, p: bump(x, p) * (x / x)),
    "no_axes": smooth(value=lambda x, p: jnp.atleast_1d(tanh(x, p))),
    "shape_3_1_4_5": smooth(slope=lambda x, p: bump(x + 2e-5, p)),
    "shape_60_90": smooth(slope=lambda x, p: bump(x[:, ::-1] if x.ndim == 2 else x, p)),
    "one_call": smooth(slope=lambda x, p: bump(x, jax.lax.stop_gradient(p))),
    "two_calls": smooth(times=lambda ct, slope: jax.lax.stop_gradient(ct) * slope),
    "vmap_over_parameters": smooth(value=lambda x, p: jnp.tanh(x)),
    "vmap_over_both": once(slope=in_batches(bump, lambda axes, f: double(f) if all(axes) else f)),
    "vmap_in_vmap": once(slope=in_batches(bump, lambda axes, f: in_batches(f, in_any_batch))),
    "parameter_for_each_column": smooth(slope=lambda x, p: bump(x, jnp.mean(p))),
    "checkpointed_scan": once(stored=logged),
    "arguments_alone": once(slope=in_batches(bump, if_x_alone)),
    "arguments_alone, gradient": replace(smooth(), function=of_p_alone),
    "outputs_alone": Rule(both, lambda x: (jnp.sin(x), jnp.cos(x))),
    "jacobian": once(times=in_batches(jnp.multiply, lambda axes, f: f if all(axes) else double(f))),
    "cotangents": smooth(times=lambda ct, slope: jnp.clip(ct, -1e8, 1e8) * slope),
    "cotangents, infinite": smooth(times=lambda ct, slope: jnp.clip(ct, -1e30, 1e30) * slope),
    "dtypes": smooth(value=lambda x, p: jnp.tanh(x) + 0 * p),
    "dtypes, float16": smooth(slope=lambda x, p: (1 + 0.03 * (x.dtype == "float16")) * bump(x, p)),
    "dtypes, of x": smooth(dtype=lambda ct: "float32"),
    "dtypes, of gradients": smooth(of_p=lambda ct: 0 * ct.sum()),
    "memory": smooth(stored=lambda x, p: (x, p, bump(x, p))),
    "memory, of what is fixed": smooth(stored=lambda x, p: (jnp.full_like(x, p), p)),
    "nan": smooth(slope=lambda x, p: jnp.nan_to_num(bump(x, p))),
    "nan, elsewhere": smooth(times=lambda ct, slope: ct * slope + 0 * ct.sum()),
    "nan, at the peak": smooth(times=lambda ct, g: jnp.where(g < 0.99, ct, jnp.nan_to_num(ct)) * g),
    "bad": smooth(slope=lambda x, p: bump(x, p) + jnp.where(x < 0, 0 * p, 0)),
}
# JAX's mistake in docs/reports
if jax.__version_info__ >= (0, 6, 2) and not getattr(jax.config, "jax_custom_vjp3", False):
    WRONG.update(recurrent_scan=root(uncopied), scan_in_scan=root(uncopied), mesh=root(shifted))
REFUSED = "ValueError: under vmap|NotImplementedError: Effects not supported"  # the first by 0.12


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_found(name: str) -> None:
    """By the check that is named first, and not because it fails (but JAX refuses two)."""
    checks: list[Any] = WRONG[name].checks()
    check = next(check for check in checks if name.startswith(check.__name__))
    with pytest.raises(Exception, match=f"^(?!.* fails: (?!{REFUSED}))") as raised:
        check()
    assert raised.type is AssertionError  # and not SkipTest, with which pytest would skip this


def test_a_check_that_is_skipped_says_why() -> None:
    check, *_ = Rule(jnp.tanh, jnp.tanh, skip={"points": "a reason"}).checks()
    with pytest.raises(SkipTest, match="a reason"):
        check()


MISFITS: list[dict[str, Any]] = [
    {"points": X},
    {"points": (X,)},
    {"x": jnp.arange(4)},
    {"x": X * jnp.inf},
    {"value": lambda x: (jnp.tanh(x), jnp.argmax(x))},
    {"parameters": [(1.0,), (1.0, 2.0)]},
    {"bad": [jnp.nan]},
    {"skip": {"memories": "not its name"}},
    {"change": lambda dx, x: dx.sum()},
]


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_does_not_fit_together_is_named(misfit: dict[str, Any]) -> None:
    arguments: Any = {"value": jnp.tanh} | misfit
    with pytest.raises(ValueError, match=f"^{next(iter(misfit))}"):
        Rule(jnp.tanh, **arguments)


IMPORT = """
import os, jax
before = dict(os.environ), dict(jax.config.values)
import rule_checks
assert before == (dict(os.environ), dict(jax.config.values))
jax.config.update("jax_num_cpu_devices", 2)  # an error if JAX has started
"""


def test_importing_it_changes_nothing() -> None:
    subprocess.run([sys.executable, "-c", IMPORT], check=True, cwd=DOCS / "custom-derivatives")


def test_the_page_shows_what_pytest_says(monkeypatch: pytest.MonkeyPatch) -> None:
    example = importlib.import_module("test_relu")
    command = [sys.executable, "-m", "pytest", "-k", "mesh", str(example.__file__)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "one device: jax.config.update('jax_num_cpu_devices', 2)" in said
    passed = re.findall(r"2 skipped, (\d+) deselected", said)[0]
    assert f"{passed} passed, 2 skipped" in (DOCS / "custom-derivatives/test.md").read_text("utf-8")
    backward = lambda kept, ct: (ct * jax.nn.sigmoid(kept[0] / kept[1]), None)
    monkeypatch.setattr(example.relu, "bwd", backward)
    with pytest.raises(AssertionError, match="gradient by x of relu in bad with width = inf is"):
        replace(example.RELU).checks()[-1]()
