"""Does a rule of `jax.custom_vjp` or `jax.custom_jvp` keep its word in any program?

In each program below, your rule has to agree with plain JAX: in the value, the gradients and the
second derivatives. Put your rule in place of ours, and run `pytest test_rule.py`.
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.flatten_util import ravel_pytree
from jax.lax import stop_gradient

# 1. Your rule: a function of x and of parameters. The gradient flows to x, an array or a tuple of
# arrays, and not to the parameters, of which there may be none.


@jax.custom_vjp
def root(x, smallest):
    """The square root."""
    result = jnp.sqrt(x)
    return result + jnp.asarray(0 * smallest, result.dtype)


def forward(x, smallest):
    """Return the result, and the residuals."""
    result = root(x, smallest)
    return result, (result, jnp.copy(smallest))


def backward(residuals, cotangent):
    """Return a derivative for each argument; None is 0."""
    result, smallest = residuals
    gradient = cotangent / (2 * jnp.maximum(result, smallest))
    return gradient.astype(cotangent.dtype), None


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

X = jnp.array([0.02, 0.3, 0.8, 1.7])  # between jumps and corners
PARAMETERS = [(0.3,), (0.5,), (1.0,)]  # [()] if there are none
BAD = [(jnp.nan,), (jnp.inf,)]  # parameters with which all is NaN
COTANGENTS = [1e-6, 1.0, 1e6]  # their sizes; below your bound if you clip them
FORWARD_MODE = False  # True for jax.custom_jvp
SECOND = True  # False if the derivatives aren't those of one smooth function
RTOL, ATOL = 1e-5, 1e-6  # of each number by itself

# For single calls: 0 and next to it, corners, far away; add jumps, and negative numbers if there are
# any. (X, if x isn't one array.)
POINTS = jnp.array([0, 1e-30, *np.linspace(0.03, 1.9, 30), *np.geomspace(2, 1e30, 64), np.inf])

# 4. The programs, of a function f. Add yours: a line each.

FACTORS = jnp.array([0.8, 1.0, 1.1, 1.3])


def times(factor, tree):
    return jax.tree.map(lambda array: factor * array, tree)


def mapped(f, x, *p):
    return jax.vmap(lambda factor: f(x, *times(factor, p)))(FACTORS)


def scanned(f, x, *p):
    return lax.scan(lambda _, factor: (None, f(times(factor, x), *p)), None, FACTORS)[1]


def recurrent(f, x, *p):
    """What comes out flows back."""

    def step(state, factor):
        y = f(state, *p)
        back = 0.1 * factor * jnp.mean(ravel_pytree(y)[0])
        return jax.tree.map(lambda s, x: 0.6 * s + 0.4 * x + back, state, x), y

    return lax.scan(step, x, FACTORS)[1]


def on_mesh(f, x, *p):
    """A scan on each device."""
    mesh, spec = jax.sharding.Mesh(jax.devices()[:2], "device"), jax.sharding.PartitionSpec("device")
    arguments = jax.vmap(times, (0, None))(FACTORS, (x, *p))
    scan = jax.shard_map(
        lambda rows: lax.map(lambda row: f(*row), rows), mesh=mesh, in_specs=spec, out_specs=spec
    )
    return scan(arguments)


def gradient(program):
    """A program of the same arguments, which returns its derivative by x."""
    return lambda f, *a: jax.grad(lambda x, *p: weighted(program(f, x, *p)))(*a)


def beside_gradient(program):
    """The value that is returned with a gradient."""
    return lambda f, *a: jax.value_and_grad(lambda x, *p: weighted(program(f, x, *p)))(*a)[0]


def squared(f, x, *p):
    return times(0.5, jax.tree.map(jnp.square, f(x, *p)))


PROGRAMS = {
    "a call": lambda f, *a: f(*a),
    "a square": squared,
    "two calls": lambda f, x, *p: jax.tree.map(jnp.multiply, f(x, *p), f(times(0.7, x), *p)),
    "cond": lambda f, x, *p: lax.cond(ravel_pytree(x)[0][0] < 9, f, f, x, *p),
    "vmap over x": lambda f, x, *p: jax.vmap(lambda a: f(times(a, x), *p))(FACTORS),
    "vmap over the parameters": mapped,
    "scan": scanned,
    "scan of a vmap over the parameters": lambda f, *a: scanned(lambda *b: mapped(f, *b), *a),
    "scan in a scan": lambda f, *a: scanned(lambda *b: scanned(f, *b), *a),
    "recurrent scan": recurrent,
    "a gradient in a scan": lambda f, *a: scanned(lambda *b: gradient(squared)(f, *b), *a),
    "a value beside a gradient": beside_gradient(squared),
    "a value beside a gradient of a scan": beside_gradient(recurrent),
    "a mesh": on_mesh,
    "a value beside a gradient on a mesh": beside_gradient(on_mesh),
}

PROGRAMS |= {  # if it works element by element
    "one number": lambda f, x, *p: f(x.ravel()[0], *p),
    "another rank": lambda f, x, *p: f(x[None, :, None], *p),
    "a parameter for each x": lambda f, x, *p: f(x, *times(jnp.linspace(0.8, 1.2, x.size), p)),
}

# 5. What is demanded needs no change.


def reference(x, *parameters):
    """Taylor's series in a distance of 0, whose derivative is 1: plain JAX differentiates it."""
    distance = jax.tree.map(lambda a: a - stop_gradient(a), x)

    def first(x):
        return change(distance, x, *parameters)

    def derivative(term):
        return lambda x: jax.jvp(term, (x,), (distance,))[1]

    second = derivative(first)
    terms = first(x), second(x), derivative(second)(x)
    return jax.tree.map(
        lambda v, a, b, c: stop_gradient(v) + a - b / 2 + c / 6, value(x, *parameters), *terms
    )


def weighted(tree):
    """A number that depends on each number in another way."""
    flat = ravel_pytree(tree)[0]
    return flat @ jnp.cos(1 + jnp.arange(flat.size))


def derivatives(program, f, parameters):
    """Of the program: its value, its gradient, and the derivatives of the gradient by x."""

    def run(*arguments):
        return program(f, *arguments)

    def grad(run):
        numbers = tuple(range(1 + len(parameters)))
        return jax.grad(lambda *arguments: weighted(run(*arguments)), numbers)

    def by_x(*arguments):
        return grad(run)(*arguments)[0]

    def push(run):
        tangent = jax.tree.map(jnp.cos, X)
        return lambda x, *p: jax.jvp(lambda x: run(x, *p), (x,), (tangent,))[1]

    wanted = {"value": run, "gradient": grad(run)}
    wanted |= {"second derivative": grad(by_x)} if SECOND else {}
    wanted |= {"jvp": push(run), "jvp of the gradient": push(by_x)} if FORWARD_MODE else {}
    return jax.jit(lambda *a: {what: g(*a) for what, g in wanted.items()})(X, *parameters)


def assert_close(actual, expected, what, size=1, rtol=RTOL):
    """The same structure and shapes, and each number close by itself."""
    assert jax.tree.structure(actual) == jax.tree.structure(expected), what
    for one, other in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        assert one.shape == other.shape, f"{what}: shape {one.shape}, not {other.shape}"
        one, other = (np.asarray(a, "float32") for a in (one, other))
        np.testing.assert_allclose(one, other, rtol, ATOL * size, err_msg=what)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    """The rule agrees with plain JAX."""
    parameters = tuple(map(jnp.asarray, PARAMETERS[0]))
    found, expected = (derivatives(PROGRAMS[name], f, parameters) for f in (rule, reference))
    for what in expected:
        assert_close(found[what], expected[what], f"{what} of {name!r}")


@pytest.mark.parametrize("size", COTANGENTS)
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_single_call(parameters, size):
    """Value and gradient at each point, also infinite, and the derivatives of the gradient."""

    def given(x, cotangent):
        beside, pull_back = jax.vjp(lambda x: rule(x, *parameters), x)
        return rule(x, *parameters), beside, pull_back(cotangent)[0]

    def plain(x, cotangent):
        zeros = jax.tree.map(jnp.zeros_like, x)
        _, pull_back = jax.vjp(lambda dx: change(dx, x, *parameters), zeros)
        expected = value(x, *parameters)
        return expected, expected, pull_back(cotangent)[0]

    def differentiated(f):
        return jax.grad(lambda *arguments: weighted(f(*arguments)[2]), (0, 1))

    flat, unravel = ravel_pytree(value(POINTS, *parameters))
    arguments = POINTS, unravel(size * jnp.cos(jnp.arange(flat.size)))
    for what, of in ("value or gradient", lambda f: f), ("second derivative", differentiated):
        found, expected = (of(f)(*arguments) for f in (given, plain))
        assert_close(found, expected, f"{what} with {parameters}", size)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_dtype(dtype):
    """Those of x, whatever the type of the parameters; 16 bits are rounded and no more."""

    def run(x, parameters):
        result, pull_back = jax.vjp(lambda x: rule(x, *parameters), x)
        return result, pull_back(jax.tree.map(jnp.ones_like, result))[0]

    x = jax.tree.map(lambda a: a.astype(dtype), POINTS)
    expected = run(jax.tree.map(lambda a: a.astype("float32"), x), PARAMETERS[0])
    for of in float, jnp.float32, jnp.bfloat16:
        p = tuple(map(of, PARAMETERS[0]))
        found = run(x, p)
        for array in jax.tree.leaves(found):
            assert array.dtype == dtype, f"{array.dtype} with parameters of {of.__name__}"
        rounding = float(jnp.finfo(dtype).eps if of is float else jnp.bfloat16(0.01))
        assert_close(found, expected, f"{dtype} with parameters of {of.__name__}", rtol=rounding)


def test_memory():
    """For the backward pass no more is stored than what is as large as x, once, in its type."""
    for dtype in "float32", "bfloat16":
        x = jax.tree.map(lambda a: a.astype(dtype), POINTS)
        _, pull_back = jax.vjp(lambda x: rule(x, *PARAMETERS[0]), x)
        arrays = [np.asarray(a) for a in jax.tree.leaves(pull_back)]
        stored = sum(a.nbytes for a in arrays if a.size > 1)
        assert stored <= ravel_pytree(x)[0].nbytes, f"{stored} bytes"


def test_nan_stays_nan():
    """In a value, a slope and a cotangent, and nowhere else."""
    flat, unravel = ravel_pytree(X)
    x = unravel(flat.at[0].set(jnp.nan))

    def run(f, x, cotangent):
        result, pull_back = jax.vjp(lambda x: f(x, *PARAMETERS[0]), x)
        flat, unravel = ravel_pytree(result)
        gradient = pull_back(unravel(jnp.ones_like(flat).at[-1].set(cotangent)))[0]
        return jax.tree.map(jnp.isnan, (result, gradient))

    for x, cotangent in (unravel(flat.at[0].set(jnp.nan)), 1), (X, jnp.nan):
        found, expected = (run(f, x, cotangent) for f in (rule, reference))
        assert_close(found, expected, "NaN (1) or not (0)")


@pytest.mark.parametrize("parameters", BAD)
def test_bad_parameter(parameters):
    """Under jit, nothing can be raised: all is NaN, the gradient too."""
    run = jax.jit(lambda *p: jax.value_and_grad(lambda x: weighted(rule(x, *p)))(X))
    value = jax.jit(lambda *p: rule(X, *p))(*parameters)
    for array in jax.tree.leaves((value, run(*parameters))):
        assert np.isnan(array).all(), f"{array} with {parameters}"
