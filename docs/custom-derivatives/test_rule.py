"""Any program proves a rule: value, gradient and second derivative are those of plain JAX.

Put your rule for `jax.custom_vjp` or `jax.custom_jvp` in place of ours, say what it should return, and
run `pytest test_rule.py`. It needs jax and pytest.
"""

# ruff: noqa: D103
import os

# Two devices on any machine
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.flatten_util import ravel_pytree
from jax.lax import stop_gradient
from jax.sharding import Mesh, PartitionSpec

# 1. Your rule: a function of x and of parameters. The gradient flows to x, an array or a tuple of
# arrays, and not to the parameters, of which there may be none.


@jax.custom_vjp
def root(x, smallest):
    result = jnp.sqrt(x)  # <- your function, in the dtype of x
    return result + jnp.asarray(0 * smallest, result.dtype)


def forward(x, smallest):
    result = root(x, smallest)
    return result, (result, jnp.copy(smallest))  # <- what the slope needs


def backward(residuals, cotangent):
    result, smallest = residuals  # <- the same
    slope = 1 / (2 * jnp.maximum(result, smallest))  # <- its slope
    return (cotangent * slope).astype(cotangent.dtype), None


root.defvjp(forward, backward)
rule = root

# 2. The same in plain JAX, written anew: from your paper and not from your code.


def value(x, smallest):
    """What the rule returns."""
    return jnp.sqrt(x)


def change(dx, x, smallest):
    """By how much, if x changes by dx. Element by element, it is the slope times dx."""
    return dx / (2 * jnp.sqrt(jnp.maximum(x, smallest**2)))


# 3. Where to try it.

X = jnp.array([0.02, 0.3, 0.8, 1.7])  # away from jumps and corners
PARAMETERS = [(0.3,), (0.5,), (1.0,)]  # [()] if there are none
BAD = [(jnp.nan,), (jnp.inf,)]  # with these, all has to be NaN
COTANGENTS = [1e-6, 1.0, 1e6]  # sizes; if you clip the cotangent, below your bound
FORWARD_MODE = False  # True for jax.custom_jvp
SECOND = True  # False if the derivatives aren't those of one smooth function
RTOL, ATOL = 1e-5, 1e-6  # of each number by itself

# For single calls: 0, next to it, corners, far away; add jumps, and negative numbers if there are any.
# (If your function doesn't work element by element: X.)
POINTS = jnp.array([0, 1e-30, *np.linspace(0.03, 1.9, 30), *np.geomspace(2, 1e30, 64), np.inf])

# 4. The programs, of a function f, x and the parameters. Add yours, in a line each.

FACTORS = jnp.array([0.8, 1.0, 1.1, 1.3])


def times(factor, tree):
    """All numbers, multiplied."""
    return jax.tree.map(lambda array: factor * array, tree)


def scanned(f, x, *p):
    """Several x, one after the other."""
    return lax.scan(lambda _, factor: (None, f(times(factor, x), *p)), None, FACTORS)[1]


def recurrent(f, x, *p):
    """What comes out flows back."""

    def step(state, factor):
        y = f(state, *p)
        back = 0.1 * factor * jnp.mean(ravel_pytree(y)[0])
        return jax.tree.map(lambda s, x: 0.6 * s + 0.4 * x + back, state, x), y

    return lax.scan(step, x, FACTORS)[1]


def on_mesh(f, x, *p):
    """A scan on each of two devices."""
    mesh, split = Mesh(jax.devices()[:2], "device"), PartitionSpec("device")
    specs = {"mesh": mesh, "in_specs": split, "out_specs": split}
    scan = jax.shard_map(lambda rows: lax.map(lambda row: f(*row), rows), **specs)
    return scan(jax.vmap(times, (0, None))(FACTORS, (x, *p)))


def value_beside_gradient(program):
    """A program that returns the value that comes with its derivative."""
    return lambda f, *a: jax.value_and_grad(lambda x, *p: weighted(program(f, x, *p)))(*a)[0]


PROGRAMS = {
    "one call": lambda f, x, *p: f(x, *p),
    "the square": lambda f, x, *p: jax.tree.map(jnp.square, f(x, *p)),
    "two calls": lambda f, x, *p: jax.tree.map(jnp.multiply, f(x, *p), f(times(0.7, x), *p)),
    "vmap over x": lambda f, x, *p: jax.vmap(lambda factor: f(times(factor, x), *p))(FACTORS),
    "vmap over the parameters": lambda f, x, *p: jax.vmap(lambda factor: f(x, *times(factor, p)))(
        FACTORS
    ),
    "recurrent scan": recurrent,
    "scan in a scan": lambda f, *a: scanned(lambda *b: scanned(f, *b), *a),
    "value beside a gradient of a scan": value_beside_gradient(scanned),
    "value beside a gradient of a shard_map": value_beside_gradient(on_mesh),
}
ELEMENT_BY_ELEMENT = {
    "a single number": lambda f, x, *p: f(x.ravel()[0], *p),
    "a parameter for each x": lambda f, x, *p: f(
        x, *times(jnp.linspace(0.8, 1.2, x.size).reshape(x.shape), p)
    ),
}
PROGRAMS |= ELEMENT_BY_ELEMENT  # delete this line if your function doesn't work so


# 5. What is demanded. It needs no change.


def reference(x, *parameters):
    """Taylor's series in a distance of 0, whose derivative is 1: plain JAX differentiates it."""
    distance = jax.tree.map(lambda a: a - stop_gradient(a), x)

    def first(x):
        return change(distance, x, *parameters)

    return jax.tree.map(
        lambda result, once, twice: stop_gradient(result) + once - twice / 2,
        value(x, *parameters),
        first(x),
        jax.jvp(first, (x,), (distance,))[1],
    )


def weighted(tree):
    """A sum with another weight for each number."""
    flat = ravel_pytree(tree)[0]
    return flat @ jnp.cos(1 + jnp.arange(flat.size))


def derivatives(program, f, parameters):
    """The program's value, its gradient, and the derivatives of the gradient by x."""

    def run(*arguments):
        return program(f, *arguments)

    def grad(run):
        each = tuple(range(1 + len(parameters)))
        return jax.grad(lambda *arguments: weighted(run(*arguments)), each)

    def by_x(*arguments):
        return grad(run)(*arguments)[0]

    def jvp(run):
        direction = jax.tree.map(jnp.cos, X)
        return lambda x, *p: jax.jvp(lambda x: run(x, *p), (x,), (direction,))[1]

    wanted = {"value": run, "gradient": grad(run)}
    wanted |= {"second derivative": grad(by_x)} if SECOND else {}
    wanted |= {"jvp": jvp(run), "jvp of the gradient": jvp(by_x)} if FORWARD_MODE else {}
    return jax.jit(lambda *a: {what: g(*a) for what, g in wanted.items()})(X, *parameters)


def vjp(f, x, cotangent, parameters):
    """A result, and the gradient of x."""
    result, pull_back = jax.vjp(lambda x: f(x, *parameters), x)
    return result, pull_back(cotangent)[0]


def assert_close(actual, expected, what, rtol=RTOL, atol=ATOL):
    """The same structure and shapes, and each number close by itself."""
    assert jax.tree.structure(actual) == jax.tree.structure(expected), what
    for one, other in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        assert one.shape == other.shape, f"{what}: the shape is {one.shape}, not {other.shape}"
        one, other = np.asarray(one, "float32"), np.asarray(other, "float32")
        np.testing.assert_allclose(one, other, rtol, atol, err_msg=what)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    """Rule and reference agree."""
    parameters = tuple(map(jnp.asarray, PARAMETERS[0]))
    found, expected = (derivatives(PROGRAMS[name], f, parameters) for f in (rule, reference))
    for what in expected:
        assert_close(found[what], expected[what], f"{what} of {name!r}")


def test_single_call():
    """The value, the gradient and its derivatives at each point, also at an infinite one."""

    def given(x, cotangent, parameters):
        return vjp(rule, x, cotangent, parameters)

    def plain(x, cotangent, parameters):
        zeros = jax.tree.map(jnp.zeros_like, x)
        _, pull_back = jax.vjp(lambda dx: change(dx, x, *parameters), zeros)
        return value(x, *parameters), pull_back(cotangent)[0]

    def differentiated(f):
        derivatives = jax.grad(lambda *arguments: weighted(f(*arguments)[1]), (0, 1))
        return jax.jit(lambda *arguments: (*f(*arguments), derivatives(*arguments)))

    found, expected = differentiated(given), differentiated(plain)
    flat, unravel = ravel_pytree(value(POINTS, *PARAMETERS[0]))
    for p in PARAMETERS:
        assert_close(rule(POINTS, *p), value(POINTS, *p), f"value with parameters {p}")
        for size in COTANGENTS:
            arguments = POINTS, unravel(size * jnp.cos(jnp.arange(flat.size))), p
            both = zip(found(*arguments), expected(*arguments), strict=True)
            beside, gradient, second = both
            what = f"with parameters {p} and cotangents up to {size}"
            assert_close(*beside, f"value beside a gradient {what}")
            assert_close(*gradient, f"gradient {what}", atol=ATOL * size)
            assert_close(*second, f"derivatives of the gradient {what}", atol=ATOL * max(1, size))


def test_dtype():
    """Those of x, whatever the type of the parameters; 16 bits round once or twice, and no more."""
    for dtype in "float16", "bfloat16", "float32":
        x = jax.tree.map(lambda a, dtype=dtype: a.astype(dtype), POINTS)
        wide = jax.tree.map(lambda a: a.astype("float32"), x)
        for number in float, jnp.float32, jnp.bfloat16:
            p = tuple(map(number, PARAMETERS[-1]))
            ones = jax.tree.map(jnp.ones_like, rule(x, *p))
            found = vjp(rule, x, ones, p)
            what = f"x in {dtype}, parameters in {number.__name__}"
            for array in jax.tree.leaves(found):
                assert array.dtype == dtype, f"{what}: {array.dtype} is returned"
            one = jax.tree.map(lambda a: a.astype("float32"), ones)
            rtol = max(RTOL, 4 * float(jnp.finfo(dtype).eps))
            assert_close(found, vjp(rule, wide, one, PARAMETERS[-1]), what, rtol)


def test_memory():
    """The backward pass needs at most one array as large as x, in the type of x."""
    for dtype in "float32", "bfloat16":
        x = jax.tree.map(lambda a, dtype=dtype: a.astype(dtype), POINTS)
        _, pull_back = jax.vjp(lambda x: rule(x, *PARAMETERS[0]), x)
        stored = [np.asarray(a).nbytes for a in jax.tree.leaves(pull_back) if np.size(a) > 1]
        assert sum(stored) <= ravel_pytree(x)[0].nbytes, f"{stored} bytes are stored for {dtype}"


def test_nan_stays_nan():
    """In x and in a cotangent, and makes nothing else NaN."""
    flat, unravel = ravel_pytree(X)
    p = PARAMETERS[0]
    result, of_result = ravel_pytree(value(X, *p))
    ones = jnp.ones_like(result)
    for x, ct in (flat.at[0].set(jnp.nan), ones), (flat, ones.at[-1].set(jnp.nan)):
        found, expected = (
            jax.tree.map(jnp.isnan, vjp(f, unravel(x), of_result(ct), p)) for f in (rule, reference)
        )
        assert_close(found, expected, "where NaN is (1), and isn't (0)")


def test_bad_parameter():
    """Under jit, no error can be raised: value and gradient are NaN."""
    ones = jax.tree.map(jnp.ones_like, value(X, *PARAMETERS[0]))
    for p in BAD:
        for array in jax.tree.leaves(jax.jit(lambda *p: vjp(rule, X, ones, p))(*p)):
            assert np.isnan(array).all(), f"{array} with parameters {p}"
