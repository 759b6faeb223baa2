"""Test a rule for jax.custom_vjp or custom_jvp: change parts 1 to 3, and run `pytest test_rule.py`."""

# ruff: noqa: D103
import os
from functools import partial

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")  # on any machine

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, PartitionSpec

# 1. Your rule: a function of x (an array or a pytree), which gets a gradient, and of parameters.


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

# 2. What your rule should compute, in plain JAX: take it from your paper, not from your code.


def value(x, smallest):  # what the rule returns
    return jnp.sqrt(x)


def change(dx, x, smallest):  # how much it changes when x changes by dx: the slope times dx
    return dx / (2 * jnp.sqrt(jnp.maximum(x, smallest**2)))


# 3. Where to try it, and how.

X = jnp.array([0.02, 0.3, 0.8, 1.7])  # away from jumps and corners; the first slope isn't 0
PARAMETERS = [(0.3,), (0.5,), (1.0,)]  # [()] if there are none
BAD = [(jnp.nan,), (jnp.inf,)]  # with these, everything has to be NaN
COTANGENTS = [0.0, 1e-20, 1.0, 1e6, jnp.inf]  # sizes; [1.0] if you clip the cotangent
ELEMENT_BY_ELEMENT = True  # False if a number of the result depends on several numbers of x
FORWARD_MODE = False  # True for jax.custom_jvp
SECOND = True  # False if the derivatives aren't those of one smooth function
RTOL, ATOL = 1e-5, 3e-6  # for each number by itself

# For single calls: 0, a number next to it, a thousand others, and numbers far away. Add jumps and
# corners, and negative numbers if x can be negative. If your function doesn't work element by
# element, write POINTS = X.
between = np.random.default_rng(0).uniform(0, 2, 1000)
POINTS = jnp.array([0, 1e-30, *between, *np.geomspace(2, 1e30, 64), np.inf])

# Do your choices fit together?
leaves = jax.tree.leaves((X, POINTS, PARAMETERS))
assert all(jnp.issubdtype(jnp.result_type(number), jnp.floating) for number in leaves), (
    "X, POINTS and PARAMETERS have to be floats: fix an integer by functools.partial"
)
assert jax.tree.structure(X) == jax.tree.structure(POINTS), "X and POINTS need the same structure"

# 4. Programs: functions of f, x and the parameters. Add your own, each in a line.

FACTORS = jnp.array([0.8, 1.0, 1.1, 1.3])


def times(factor, tree):
    return jax.tree.map(lambda array: factor * array, tree)


def rows(tree):
    """Multiples of all arrays, in a new first axis."""
    return jax.vmap(times, (0, None))(FACTORS, tree)


def scanned(f, x, *p):
    return lax.scan(lambda _, row: (None, f(row, *p)), None, rows(x))[1]


def recurrent(f, x, *p):
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
    return scan(rows((x, *p)))


def value_beside_gradient(program):
    """A program that returns the value that comes with its derivative."""
    return lambda f, *a: jax.value_and_grad(lambda x, *p: weighted(program(f, x, *p)))(*a)[0]


PROGRAMS = {
    "one call": lambda f, x, *p: f(x, *p),
    "the square": lambda f, x, *p: jax.tree.map(jnp.square, f(x, *p)),
    "two calls": lambda f, x, *p: jax.tree.map(jnp.multiply, f(x, *p), f(times(0.7, x), *p)),
    "vmap over x": lambda f, x, *p: jax.vmap(lambda row: f(row, *p))(rows(x)),
    "vmap over the parameters": lambda f, x, *p: jax.vmap(lambda p: f(x, *p), axis_size=4)(rows(p)),
    "recurrent scan": recurrent,
    "scan in a scan": lambda f, *a: scanned(lambda *b: scanned(f, *b), *a),
    "value beside a gradient of a scan": value_beside_gradient(scanned),
    "value beside a gradient of a shard_map": value_beside_gradient(on_mesh),
}
CALLS = {"POINTS": POINTS}  # what a single call gets as x
if ELEMENT_BY_ELEMENT:
    PROGRAMS["number by number"] = value_beside_gradient(
        lambda f, x, *p: lax.map(lambda x: f(x, *p), jax.tree.map(jnp.ravel, x))
    )
    PROGRAMS["a parameter for each column"] = value_beside_gradient(
        lambda f, x, *p: f(jax.vmap(times, (0, None), -1)(FACTORS, x), *times(FACTORS, p))
    )
    CALLS["x of no axes"] = jax.tree.map(lambda a: a.ravel()[-1], X)
    for shape in (0,), (5000,), (60, 90), (3, 1, 4, 5):
        CALLS[f"x of shape {shape}"] = jax.tree.map(partial(jnp.resize, new_shape=shape), POINTS)


# 5. The tests, which you needn't change.


def reference(x, *p):
    """A Taylor series in a distance of 0 with the derivative 1: plain JAX differentiates it."""
    distance = jax.tree.map(lambda a: a - lax.stop_gradient(a), x)
    terms = jax.jvp(lambda x: change(distance, x, *p), (x,), (distance,))
    return jax.tree.map(
        lambda y, once, twice: lax.stop_gradient(y) + once - twice / 2, value(x, *p), *terms
    )


def weighted(tree):
    """A sum with a different weight for each number."""
    flat = ravel_pytree(tree)[0]
    return flat @ jnp.cos(1 + jnp.arange(flat.size))


def derivatives(program, f, parameters):
    """The program's value, its gradient, and the derivatives of the gradient by x."""

    def grad(run, arguments):
        return jax.grad(lambda *a: weighted(run(*a)), arguments)

    def jvp(run):
        return lambda x, *p: jax.jvp(lambda x: run(x, *p), (x,), (jax.tree.map(jnp.cos, x),))[1]

    run, each = partial(program, f), tuple(range(1 + len(parameters)))
    by_x = grad(run, 0)
    wanted = {"value": run, "gradient": grad(run, each)}
    wanted |= {"second derivative": grad(by_x, each)} if SECOND else {}
    wanted |= {"jvp": jvp(run), "jvp of the gradient": jvp(by_x)} if FORWARD_MODE else {}
    return jax.jit(lambda *a: {what: g(*a) for what, g in wanted.items()})(X, *parameters)


def vjp(f, x, p, cotangent):
    """What training needs."""
    result, pull_back = jax.vjp(lambda x: f(x, *p), x)
    return {"value beside a gradient": result, "gradient": pull_back(cotangent)[0]}


def plain_vjp(x, p, cotangent):
    """The same from value and change, also where x is infinite."""
    _, pull_back = jax.vjp(lambda dx: change(dx, x, *p), x)
    return {"value beside a gradient": value(x, *p), "gradient": pull_back(cotangent)[0]}


def cotangents(x, p, size=1.0):
    """A different one for each number of the result."""
    flat, unravel = ravel_pytree(value(x, *p))
    return unravel(size * jnp.cos(jnp.arange(flat.size)))


def cast(tree, dtype):
    return jax.tree.map(lambda array: jnp.asarray(array, dtype), tree)


def limited(number, *near):
    near = jnp.stack(near)
    return jnp.where(jnp.isnan(number), near[0], jnp.clip(number, near.min(0), near.max(0)))


def assert_close(actual, expected, what, rtol=RTOL, atol=ATOL, x=None, usual=1.0, nan=True):
    """Shapes are equal, and each number is close by itself, beyond 1e30, or NaN in plain JAX."""
    shape, wanted = (jax.tree.map(jnp.shape, tree) for tree in (actual, expected))
    assert shape == wanted, f"{what} has shape {shape} and should have {wanted}"
    atol *= max(1, np.abs(ravel_pytree(usual)[0]).max())  # a difference has the errors of both
    for one, other in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        one, other = (np.clip(np.asarray(a, float), -1e30, 1e30) for a in (one, other))
        wrong = ~np.isclose(one, other, rtol, atol, equal_nan=True) & (nan | ~np.isnan(other))
        if wrong.any():
            where = [np.asarray(a)[wrong][0] for a in jax.tree.leaves(x) if a.shape == wrong.shape]
            where = f" where x is {', '.join(map(str, where))}" if where else ""
            message = f"{what} is {one[wrong][0]:.7g} and should be {other[wrong][0]:.7g}{where}"
            raise AssertionError(f"{message} ({wrong.sum()} of {wrong.size} numbers are wrong)")


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    """Value and derivatives of a program are the same with your rule and with the reference."""
    parameters = tuple(map(jnp.asarray, PARAMETERS[0]))
    found, expected = (derivatives(PROGRAMS[name], f, parameters) for f in (rule, reference))
    for what in expected:
        assert_close(found[what], expected[what], f"{what} of {name!r}", x=X)


@pytest.mark.parametrize("name", CALLS)
def test_single_call(name):
    """Value, gradient and its derivatives are right, under jit and outside of it."""

    def call(vjp, x, p, ct):
        second = jax.grad(lambda x, ct: weighted(vjp(x, p, ct)["gradient"]), (0, 1))
        return vjp(x, p, ct) | {"derivative of the gradient": second(x, ct)}

    given, plain = partial(call, partial(vjp, rule)), jax.jit(partial(call, plain_vjp))
    x = CALLS[name]
    for p in PARAMETERS:
        how = f"outside of jit for {name} with parameters {p}"
        assert_close(rule(x, *p), value(x, *p), f"value {how}", x=x)
        usual, expected = (plain(x, p, cotangents(x, p)) for x in (X, x))
        for way, f in {"outside of jit": given, "under jit": jax.jit(given)}.items():
            for what, found in f(x, p, cotangents(x, p)).items():
                how = f"{what} {way} for {name} with parameters {p}"
                assert_close(found, expected[what], how, x=x, usual=usual[what], nan=False)


def test_size_of_cotangent():
    """The gradient is proportional to the cotangent, down to 0 and up to infinity."""
    for size in COTANGENTS:
        x = POINTS if size < jnp.inf else X  # elsewhere, 0 times infinity may be NaN
        for p in PARAMETERS:
            arguments = x, p, cotangents(x, p, size)
            found, expected = vjp(rule, *arguments)["gradient"], plain_vjp(*arguments)["gradient"]
            what, atol = f"gradient with cotangents up to {size}", ATOL * min(size, 1e30)
            assert_close(found, expected, what, RTOL, atol, x, nan=False)


def test_dtype():
    """Results have the type of x, whatever that of the parameters; 16 bits round at most twice."""
    p = PARAMETERS[-1]
    usual = vjp(rule, X, p, cotangents(X, p))
    for dtype in "float16", "bfloat16", "float32":
        eps = float(jnp.finfo(dtype).eps)
        x, ct = cast((POINTS, jax.tree.map(jnp.ones_like, value(POINTS, *p))), dtype)
        near = [times(1 + sign * eps, cast(x, "float32")) for sign in (0, -1, 1)]  # jumps move
        near = [cast(vjp(rule, *cast((a, p, ct), "float32")), dtype) for a in near]
        for number in float, jnp.float32, jnp.bfloat16:
            for what, found in vjp(rule, x, tuple(map(number, p)), ct).items():
                how = f"{what} with x in {dtype} and parameters in {number.__name__}"
                for array in jax.tree.leaves(found):
                    assert array.dtype == dtype, f"{how} is in {array.dtype}"
                wanted = jax.tree.map(limited, found, *(results[what] for results in near))
                assert_close(found, wanted, how, max(RTOL, 4 * eps), 4 * eps, x, usual[what])


def test_memory():
    """The backward pass needs at most one array as large as x, in the type of x."""
    for dtype in "float32", "bfloat16":
        x = cast(POINTS, dtype)
        _, pull_back = jax.vjp(lambda x: rule(x, *PARAMETERS[0]), x)
        stored = sum(np.asarray(a).nbytes for a in jax.tree.leaves(pull_back) if np.size(a) > 1)
        times_x = stored / ravel_pytree(x)[0].nbytes
        assert times_x <= 1, f"{times_x:.1f} times as much as x is stored, with x in {dtype}"


def test_nan_stays_nan():
    """NaN in x or in a cotangent stays NaN, and makes nothing else NaN."""
    p, good_ct = PARAMETERS[0], cotangents(X, PARAMETERS[0])
    bad_x, bad_ct = jax.tree.map(lambda a: a.at[(0,) * a.ndim].set(jnp.nan), (X, good_ct))
    for name, x, ct in ("x", bad_x, good_ct), ("the cotangent", X, bad_ct):
        expected = plain_vjp(x, p, ct) | {"value beside a gradient": reference(x, *p)}
        for what, found in vjp(rule, x, p, ct).items():
            isnan, wanted = jax.tree.map(jnp.isnan, (found, expected[what]))
            assert_close(isnan, wanted, f"isnan of the {what} with NaN in {name}")


def test_bad_parameter():
    """Under jit, no error can be raised, so value and gradient are NaN."""
    ct = cotangents(X, PARAMETERS[0])
    for p in BAD:
        for array in jax.tree.leaves(jax.jit(lambda *p: vjp(rule, X, p, ct))(*p)):
            assert np.isnan(array).all(), f"{array} should be NaN with parameters {p}"
