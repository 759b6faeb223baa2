"""Transformations of JAX, each alone and in pairs, against the formulas in float64.

Each takes a function of x, alpha and width and returns another of the same meaning, or of the
meaning of its derivative in x. So a pair is a composition, and what it has to give is known.
"""

import contextlib
import dataclasses
import gc
import itertools
import warnings
from collections.abc import Callable, Generator
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer

from relugrad import ReluGrad

Function = Callable[..., Any]

SWITCHES: Any = jax.config  # its attributes are unknown to type checkers
X = np.array([[-2, -1, -0.5, -0.25], [0, 0.5, 1, 3]], np.float32)
ALPHA = np.array([0.3, 0.5, 1, 2], np.float32)
WIDTH = np.array(1, np.float32)


@dataclasses.dataclass(frozen=True)
class Transformation:
    """A transformation, and what JAX can do and what it can't where this one meets another."""

    apply: Callable[[Function], Function]
    order: int  # of the derivative that it takes
    needs: frozenset[str]  # of what it transforms: reverse, forward, batching, tracing, x, dtype
    loses: frozenset[str]  # of these, for the function that it returns
    warning: str  # what JAX may say where something is put around it; the numbers are right


TABLE: dict[str, Transformation] = {}


def transformation(
    *, order: int = 0, needs: str = "tracing", loses: str = "", warning: str = ""
) -> Function:
    """Enter a function into the table, under its name."""

    def enter(apply: Function) -> Function:
        TABLE[apply.__name__] = Transformation(
            apply, order, frozenset(needs.split()), frozenset(loses.split()), warning
        )
        return apply

    return enter


# Compilation and memory


@transformation()
def jit(f: Function) -> Function:
    """Compile."""
    return jax.jit(f)


@transformation()
def checkpoint(f: Function) -> Function:
    """Compute again in the backward pass."""
    return jax.checkpoint(f)


# A derivative around it would miss x, which is given away. A batch of results has no room in x.
@transformation(loses="x", warning="Some donated buffers were not usable")
def donated(f: Function) -> Function:
    """Give the buffer of x away, for the result to be written to."""

    def donating(x: Any, alpha: Any, width: Any) -> Any:
        buffer = jnp.array(x, copy=True)
        result = jax.jit(f, donate_argnums=0)(buffer, alpha, width)
        # A buffer of another size is of no use, and the search for a NaN may need x once more.
        if result.dtype == buffer.dtype and not SWITCHES.jax_debug_nans:
            assert isinstance(result, Tracer) or buffer.is_deleted()
        return result

    return donating


# Batches: the mean of two equal members is what each would be alone, and so is its derivative,
# unless a cotangent that the members share is counted twice.


def batched(f: Function, argument: int, in_axis: int, out_axis: int) -> Function:
    """Map over one of the three arguments."""

    def mapped(*arguments: Any) -> Any:
        in_axes = [in_axis if i == argument else None for i in range(3)]
        stacked = [
            a if axis is None else jnp.stack([a, a], axis)
            for a, axis in zip(arguments, in_axes, strict=True)
        ]
        return jax.vmap(f, in_axes, out_axis)(*stacked).mean(out_axis)

    return mapped


@transformation(needs="tracing batching")
def vmap_x(f: Function) -> Function:
    """Map over x, along its last axis."""
    return batched(f, 0, -1, 0)


@transformation(needs="tracing batching")
def vmap_alpha(f: Function) -> Function:
    """Map over alpha."""
    return batched(f, 1, 0, -1)


@transformation(needs="tracing batching")
def vmap_width(f: Function) -> Function:
    """Map over the width."""
    return batched(f, 2, -1, -1)


# Control flow: the mean of two steps that are the same.


@transformation()
def scan(f: Function) -> Function:
    """Take the arguments as the inputs of two steps."""

    def scanned(*arguments: Any) -> Any:
        steps = [jnp.stack([a, a]) for a in arguments]
        return jax.lax.scan(lambda carry, step: (carry, f(*step)), None, steps)[1].mean(0)

    return scanned


@transformation()
def fori_loop(f: Function) -> Function:
    """Add in a loop of known length, which reverse mode can go through."""

    def looped(*arguments: Any) -> Any:
        total = jnp.zeros_like(arguments[0])
        return jax.lax.fori_loop(0, 2, lambda _, total: total + f(*arguments), total) / 2

    return looped


@transformation(loses="reverse")
def while_loop(f: Function) -> Function:
    """Add in a loop of unknown length, which reverse mode can't go through."""

    def looped(*arguments: Any) -> Any:
        _, total = jax.lax.while_loop(
            lambda state: state[0] < 2,
            lambda state: (state[0] + 1, state[1] + f(*arguments)),
            (0, jnp.zeros_like(arguments[0])),
        )
        return total / 2

    return looped


@transformation(needs="tracing dtype")  # of both branches
def cond(f: Function) -> Function:
    """Choose between this and nonsense."""

    def chosen(x: Any, alpha: Any, width: Any) -> Any:
        is_sane = jnp.all(width > 0)
        return jax.lax.cond(is_sane, f, lambda x, *_: jnp.full_like(x, -3), x, alpha, width)

    return chosen


# Shapes and structures


@transformation(needs="")
def eval_shape(f: Function) -> Function:
    """Ask for shape and dtype before computing."""

    def foreseen(*arguments: Any) -> Any:
        result, foreseen = f(*arguments), jax.eval_shape(f, *arguments)
        assert (result.shape, result.dtype) == (foreseen.shape, foreseen.dtype)
        return result

    return foreseen


@transformation(needs="")
def tree(f: Function) -> Function:
    """Take the parameters through the tree utilities, as leaves of a `ReluGrad`."""

    def rebuilt(x: Any, alpha: Any, width: Any) -> Any:
        pair = jax.tree.map(lambda *leaves: leaves, ReluGrad(alpha, width), ReluGrad(alpha, width))
        outer, inner = jax.tree.structure(ReluGrad()), jax.tree.structure((0, 0))
        _, surrogate = jax.tree.transpose(outer, inner, pair)
        leaves, structure = jax.tree.flatten(surrogate)
        surrogate = jax.tree.unflatten(structure, leaves)
        return f(x, surrogate.alpha, surrogate.width)

    return rebuilt


def read_back(f: Function, specification: Any) -> Function:
    """Export, serialize with the first derivative, and deserialize."""
    exported = jax.export.export(jax.jit(f))(*specification)
    return jax.export.deserialize(exported.serialize(vjp_order=1)).call


@transformation(needs="tracing reverse dtype", loses="forward batching")
def export(f: Function) -> Function:
    """Write to bytes, for the shapes of the arguments, and read again."""

    def called(*arguments: Any) -> Any:
        return read_back(f, jax.eval_shape(lambda *a: a, *arguments))(*arguments)

    return called


@transformation(needs="tracing reverse dtype", loses="forward batching")
def export_of_any_size(f: Function) -> Function:
    """Write to bytes, for vectors of any size, and read again."""

    def called(*arguments: Any) -> Any:
        shape = arguments[0].shape
        vectors = [jnp.broadcast_to(argument, shape).ravel() for argument in arguments]
        specification = jax.export.symbolic_args_specs(vectors, "n")
        return read_back(f, specification)(*vectors).reshape(shape)

    return called


# JAX's switches


def within(context: Callable[[], Any], f: Function) -> Function:
    """Call inside of a context."""

    def called(*arguments: Any) -> Any:
        with context():
            return f(*arguments)

    return called


@transformation(needs="")
def debug_nans(f: Function) -> Function:
    """Stop at a NaN."""
    return within(lambda: jax.debug_nans(True), f)


@contextlib.contextmanager
def leak_checks() -> Generator[None]:
    """Collect garbage after each trace, as the checks do, among new objects only: it is faster."""
    gc.freeze()
    try:
        with jax.checking_leaks():
            yield
    finally:
        gc.unfreeze()


@transformation(needs="")
def checking_leaks(f: Function) -> Function:
    """Stop at a tracer that outlives its trace."""
    return within(leak_checks, f)


@contextlib.contextmanager
def strictness() -> Generator[None]:
    """Let JAX promote neither dtypes nor ranks unasked."""
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


@transformation(needs="")
def strict_promotion(f: Function) -> Function:
    """Stop where a dtype or a rank is promoted unasked."""
    return within(strictness, f)


# A trace around it holds 64 bits while they are off. JAX can do that since 0.8, and warns.
@transformation(
    needs="",
    loses="dtype" if jax.__version_info__ >= (0, 8) else "dtype tracing",
    warning="Explicitly requested dtype",
)
def x64(f: Function) -> Function:
    """Compute in float64."""

    def wide(*arguments: Any) -> Any:
        jax.config.update("jax_enable_x64", True)
        try:
            result = f(*(jnp.asarray(argument, jnp.float64) for argument in arguments))
        finally:
            jax.config.update("jax_enable_x64", False)
        if result.dtype != np.float64:
            raise TypeError("JAX has lost the 64 bits")  # as an old one does within a trace
        return result

    return wide


# Derivatives. The sum over a row of the Jacobian is the derivative, if x[i] moves spike i alone.


@transformation(order=1, needs="tracing reverse x")
def grad(f: Function) -> Function:
    """Differentiate the sum."""
    return jax.grad(lambda *arguments: f(*arguments).sum())


@transformation(order=1, needs="tracing reverse batching x")
def jacrev(f: Function) -> Function:
    """Take the Jacobian, row by row."""
    return lambda x, *parameters: jax.jacrev(f)(x, *parameters).sum(range(-x.ndim, 0))


@transformation(order=2, needs="tracing reverse batching x")
def jacrev_twice(f: Function) -> Function:
    """Take the Jacobian of the Jacobian."""
    twice = jax.jacrev(jax.jacrev(f))
    return lambda x, *parameters: twice(x, *parameters).sum(range(-2 * x.ndim, 0))


@transformation(order=1, needs="tracing forward")
def jvp(f: Function) -> Function:
    """Push a tangent of ones forward."""

    def pushed(x: Any, *parameters: Any) -> Any:
        return jax.jvp(lambda x: f(x, *parameters), (x,), (jnp.ones_like(x),))[1]

    return pushed


@transformation(order=1, needs="tracing forward x")
def linearize(f: Function) -> Function:
    """Push it through the linear function that remains at x."""

    def pushed(x: Any, *parameters: Any) -> Any:
        return jax.linearize(lambda x: f(x, *parameters), x)[1](jnp.ones_like(x))

    return pushed


# The formulas


def step(x: Any, alpha: Any, width: Any) -> Any:
    """The spikes."""
    return (x >= 0) + 0 * alpha * width


def triangle(x: Any, alpha: Any, width: Any) -> Any:
    """The surrogate gradient."""
    return alpha * np.maximum(0, width - np.abs(x))


def sides(x: Any, alpha: Any, width: Any) -> Any:
    """The derivative of the triangle: 0 at its three corners."""
    return -alpha * np.sign(x) * (np.abs(x) < width)


def area(x: Any, alpha: Any, width: Any) -> Any:
    """The area under the triangle to the left of x."""
    tail = alpha * np.maximum(0, width - np.abs(x)) ** 2 / 2
    return np.where(x < 0, tail, alpha * width**2 - tail)


DERIVATIVES: dict[str, list[Function]] = {
    "__call__": [step, triangle, sides],
    "surrogate_grad": [triangle, sides],
    "surrogate_fun": [area, triangle, sides],
}


def check(method: str, forward_mode: bool, transformations: list[Transformation]) -> None:
    """Apply the transformations, the first one innermost, and compare with the formula."""

    def f(x: Any, alpha: Any, width: Any) -> Any:
        return getattr(ReluGrad(alpha, width, forward_mode=forward_mode), method)(x)

    for transformation in transformations:
        f = transformation.apply(f)
    order = sum(transformation.order for transformation in transformations)
    exact = (DERIVATIVES[method] + 4 * [lambda x, *_: 0 * x])[order]
    arguments = X, ALPHA, WIDTH
    result = f(*map(jnp.asarray, arguments))
    rounding = 4 * float(np.finfo(result.dtype).eps)
    expected = exact(*(argument.astype(np.float64) for argument in arguments))
    np.testing.assert_allclose(result, expected, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize(
    ("method", "forward_mode"),
    [("__call__", False), ("__call__", True), ("surrogate_grad", False), ("surrogate_fun", False)],
)
def test_each_transformation_alone(name: str, method: str, forward_mode: bool) -> None:
    """Of the spikes in both modes and of the companions, which know every mode."""
    is_refused = "forward" in TABLE[name].needs and (method, forward_mode) == ("__call__", False)
    with pytest.raises(TypeError, match="jvp") if is_refused else contextlib.nullcontext():
        check(method, forward_mode, [TABLE[name]])


def is_possible(outer: str, inner: str) -> bool:
    """Tell whether JAX can put the one around the other."""
    return not TABLE[outer].needs & TABLE[inner].loses


PAIRS = list(itertools.product(TABLE, repeat=2))


def check_pair(outer: str, inner: str, forward_mode: bool) -> None:
    """Compare the spikes with the formula; what JAX is known to warn of is no error."""
    with warnings.catch_warnings():
        for one in (TABLE[outer], TABLE[inner]):
            if one.warning:
                warnings.filterwarnings("ignore", one.warning)
        check("__call__", forward_mode, [TABLE[inner], TABLE[outer]])


@pytest.mark.parametrize(("outer", "inner"), [pair for pair in PAIRS if is_possible(*pair)])
def test_each_pair_of_transformations(outer: str, inner: str) -> None:
    """Of the spikes, in forward mode where one of the two needs it."""
    forward_mode = "forward" in TABLE[outer].needs | TABLE[inner].needs
    check_pair(outer, inner, forward_mode)


@pytest.mark.parametrize(("outer", "inner"), [pair for pair in PAIRS if not is_possible(*pair)])
def test_the_pairs_that_are_left_out_are_those_that_jax_refuses(outer: str, inner: str) -> None:
    """Reverse mode through a while loop; batches and tangents of what was exported; a lost x."""
    if "dtype" in TABLE[inner].loses:
        jax.clear_caches()  # with a trace that an earlier test left, JAX may not notice
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        check_pair(outer, inner, True)
