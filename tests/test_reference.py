"""A reference without a rule: in any program it has the derivatives of a spike, up to the second.

Plain JAX differentiates it, so nothing can go wrong there: the program and its derivatives are those
of the reference, or the rule is wrong. To try another program, add a line to PROGRAMS.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array, lax
from jax.sharding import Mesh, PartitionSpec

from relugrad import relu_grad

Function = Callable[..., Any]


def reference(x: Array, alpha: Any, width: Any) -> Array:
    """Taylor's series at x, in a distance of 0, whose derivative is 1."""
    spikes = (x >= 0).astype(x.dtype)
    inside = (abs(x) < width).astype(x.dtype)
    slope = inside * alpha * (width - abs(x))
    curvature = -inside * alpha * jnp.sign(x)
    distance = x - lax.stop_gradient(x)
    return lax.stop_gradient(spikes) + slope * distance - curvature * distance**2 / 2


def python_loop(step: Function, carry: Any, inputs: Any) -> Any:
    """What scan does."""
    results = []
    for row in inputs:
        carry, result = step(carry, row)
        results.append(result)
    return carry, jnp.stack(results)


def neuron(f: Function, x: Array, a: Any, w: Any, loop: Function = lax.scan) -> Any:
    """The spikes in 3 steps of a leaky one, whose threshold is subtracted when it spikes."""

    def step(v: Array, current: Array) -> tuple[Array, Array]:
        v = 0.9 * v + current + 0.3
        s = f(v - 1.0, a, w)
        return v - s, s

    inputs = jnp.linspace(0.5, 1.5, 3)[:, None] * x.ravel()
    return loop(step, 0.0 * inputs[0], inputs)[1]


def rows(f: Function, x: Array, a: Any, w: Any) -> Any:
    """A scan over the rows of x."""
    return lax.scan(lambda _, row: (None, f(row, a, w)), None, x)[1]


def slope(f: Function, x: Array, a: Any, w: Any) -> Any:
    """The derivative in a program, as a force is that of an energy."""
    return jax.grad(lambda x: f(x, a, w).sum())(x)


def value(f: Function, x: Array, a: Any, w: Any) -> Any:
    """That which is returned with the derivative."""
    return jax.value_and_grad(lambda x: f(x, a, w).sum())(x)[0]


def mesh(f: Function, x: Array, a: Any, w: Any, of_x: Any, of_parameters: Any) -> Any:
    """Two devices share the columns of the result, and what else is divided."""
    devices, specs = Mesh(jax.devices()[:2], "device"), (of_x, of_parameters, of_parameters)
    mapped = jax.shard_map(f, mesh=devices, in_specs=specs, out_specs=COLUMNS)
    return mapped(x, *(p * jnp.array([[1.0, 1.5]]) for p in (a, w)))


def each(p: Any) -> Array:
    """Three of them."""
    return jnp.array([0.7, 1.0, 1.6]) * p


def of(outer: Function, inner: Function) -> Function:
    """A program in a program."""
    return lambda f, *arguments: outer(partial(inner, f), *arguments)


NOWHERE, COLUMNS = PartitionSpec(), PartitionSpec(None, "device")
X = jnp.array([[-1.7, -0.4], [0.3, 0.8], [0.02, 1.1]])
PARAMETERS = jnp.array(0.7), jnp.array(1.3)
BATCH = jnp.stack([X, 0.7 * X], 2)
over_alpha: Function = lambda f, x, a, w: jax.vmap(f, (None, 0, None))(x, each(a), w)

# f is a spike, or the reference
PROGRAMS: dict[str, Function] = {
    "call": lambda f, x, a, w: f(x, a, w),
    "square": lambda f, x, a, w: f(x, a, w) ** 2,
    "cond": lambda f, x, a, w: lax.cond(x.sum() < 9, f, lambda x, *_: x - 9, x, a, w),
    "a parameter for each x": lambda f, x, a, w: f(x, a * (1 + X**2), w + X**2),
    "parameters that are larger": lambda f, x, a, w: f(x, each(a)[:, None, None], w),
    "a number": lambda f, x, a, w: f(x[1, 0], a, each(w)),
    "vmap, last axis": lambda f, x, a, w: jax.vmap(f, (2, None, None), 2)(
        x[..., None] * BATCH, a, w
    ),
    "vmap, last axis of some": lambda f, x, a, w: jax.vmap(f, (1, None, 1), 1)(
        x, a, w * (1 + X**2)
    ),
    "vmap over alpha": over_alpha,
    "vmap over both": lambda f, x, a, w: jax.vmap(f, (None, 0, 0), 1)(x, each(a), each(w)),
    "vmap of no members": lambda f, x, a, w: jax.vmap(f, (1, None, None))(x[:0], a, w),
    "scan of a slope": of(rows, slope),
    "scan of a vmap over alpha": of(rows, over_alpha),
    "neuron in a loop": partial(neuron, loop=python_loop),
    "two layers": lambda f, x, a, w: f(neuron(f, x, a, w).sum(0) - 1.2, a, w),
    "slope of a neuron": of(slope, neuron),
    "value beside a gradient of a neuron": of(value, neuron),
    "mesh": partial(mesh, of_x=COLUMNS, of_parameters=COLUMNS),
    "mesh around a scan": lambda f, x, a, w: mesh(partial(rows, f), x, a, w, COLUMNS, COLUMNS),
}
if jax.__version_info__ >= (0, 7):  # before, JAX can't differentiate the reference there
    PROGRAMS.update(
        {
            "mesh, a shared x": partial(mesh, of_x=NOWHERE, of_parameters=COLUMNS),
            "mesh, shared parameters": lambda f, x, a, w: mesh(
                lambda x, a, w: f(x, a[0, 0], w[0, 1]), x, a, w, COLUMNS, NOWHERE
            ),
        }
    )


def derivatives(function: Function, orders: int = 4) -> Any:
    """The value, the gradients of a weighted sum, and those of such a sum of the gradient by x.

    (The gradient by a parameter is 0 wherever x is, and that of the reference at its x alone.) In
    forward mode, that of the gradient by x as well.
    """

    def weighted(tree: Any) -> Any:
        leaves = map(jnp.ravel, jax.tree.leaves(tree))
        return sum(jnp.cos(1 + jnp.arange(leaf.size)) @ leaf for leaf in leaves)

    def gradient(f: Function) -> Function:
        return jax.grad(lambda *arguments: weighted(f(*arguments)), argnums=(0, 1, 2))

    def forward(f: Function) -> Function:
        return lambda x, *p: jax.jvp(lambda x: f(x, *p), (x,), (jnp.cos(9 * x),))[1]

    def by_x(*arguments: Any) -> Any:
        return gradient(function)(*arguments)[0]

    every = function, gradient(function), gradient(by_x), forward(by_x)
    run = jax.jit(lambda *arguments: [f(*arguments) for f in every[:orders]])
    return run(X, *PARAMETERS)


@cache
def expected(name: str) -> Any:
    """Of the reference, once for both modes."""
    return derivatives(partial(PROGRAMS[name], reference))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_spike_has_the_derivatives_of_the_reference(name: str, forward_mode: bool) -> None:
    spike = partial(relu_grad, forward_mode=forward_mode)
    found = derivatives(partial(PROGRAMS[name], spike), 4 if forward_mode else 3)
    close = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    jax.tree.map(close, found, expected(name)[: len(found)])
