"""Test a rule for jax.custom_vjp or custom_jvp: change parts 1 to 3, and run `pytest test_rule.py`."""

import os
from functools import partial
from itertools import cycle, product

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")  # on any machine

import jax
import jax.numpy as jnp
import numpy as np
import pytest
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


def change(dx, x, smallest):  # the slope times dx, a change in x
    return dx / (2 * jnp.sqrt(jnp.maximum(x, smallest**2)))


# 3. Where to try it, and how.
X = jnp.array([0.02, 0.3, 0.8, 1.7])  # no jumps, no corners; first slope: not 0
PARAMETERS = [(0.3,), (0.5,), (1.0,)]  # numbers, arrays, pytrees; [()]: none
BAD = [(jnp.nan,), (jnp.inf,)]  # with these, everything has to be NaN
COTANGENTS = [0.0, 1e-20, 1.0, 1e6, 1e30, jnp.inf]  # [1.0] if you clip them
ELEMENT_BY_ELEMENT = True  # False if other numbers, or its place, matter
FORWARD_MODE = False  # True for jax.custom_jvp
SECOND = True  # False if nothing is to be differentiated twice
RTOL, ATOL = 1e-5, 3e-6  # for each number by itself
# For single calls: 0, a tiny number, many ordinary and some very large ones.
# Add jumps, corners and, if x can be negative, as many negative numbers. If
# your function doesn't work element by element, write POINTS = X.
between = np.random.default_rng(0).uniform(0, 2, 1000)
far = np.geomspace(2, 1e30, 500)
POINTS = jnp.array([0, 1e-30, *between, *far, np.inf])

# Do your choices fit together?
leaves = jax.tree.leaves((X, POINTS, PARAMETERS))
floats = [jnp.issubdtype(jnp.result_type(number), jnp.floating) for number in leaves]
assert all(floats), "X, POINTS, PARAMETERS have to be real floats: fix others by functools.partial"
assert jax.tree.structure(X) == jax.tree.structure(POINTS), "X and POINTS need the same structure"
for x, points in zip(jax.tree.leaves(X), jax.tree.leaves(POINTS), strict=True):
    assert np.min(x) >= 0 or np.min(points) < 0, "POINTS need negative numbers, too, if X has some"

# 4. Programs: functions of f, x and the parameters. Add your own, each in a line.
FACTORS = jnp.array([0.8, 1.0, 1.1, 1.3])


def times(factor, tree):
    return jax.tree.map(lambda array: factor * array, tree)


def rows(tree):  # multiples of all arrays, in a new first axis
    return jax.vmap(times, (0, None))(FACTORS, tree)


def scanned(f, x, *p):
    return jax.lax.scan(lambda _, row: (None, f(row, *p)), None, rows(x))[1]


def recurrent(f, x, *p):
    def step(state, factor):
        y = f(state, *p)
        back = 1 + 0.1 * factor * jnp.arctan(jnp.mean(ravel_pytree(y)[0]))  # keeps the sign of x
        return jax.tree.map(lambda s, x: 0.6 * s + 0.4 * back * x, state, x), y

    return jax.lax.scan(step, x, FACTORS)[1]


def on_mesh(f, x, *p):  # a scan on each of two devices
    mesh, split = Mesh(jax.devices()[:2], "device"), PartitionSpec("device")
    specs = {"mesh": mesh, "in_specs": split, "out_specs": split}
    return jax.shard_map(lambda a: jax.lax.map(lambda row: f(*row), a), **specs)(rows((x, *p)))


def value_beside_gradient(program):  # a program that returns the value beside its derivative
    if not SECOND:
        return program
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
        lambda f, x, *p: jax.lax.map(lambda x: f(x, *p), jax.tree.map(jnp.ravel, x))
    )
    if not any(map(np.ndim, jax.tree.leaves(PARAMETERS))):
        PROGRAMS["a parameter for each column"] = value_beside_gradient(
            lambda f, x, *p: f(jax.vmap(times, (0, None), -1)(FACTORS, x), *times(FACTORS, p))
        )
    CALLS["x of no axes"] = jax.tree.map(lambda a: a.ravel()[-1], X)
    for shape in (0,), (5000,), (60, 90), (3, 1, 4, 5):
        CALLS[f"x of shape {shape}"] = jax.tree.map(partial(jnp.resize, new_shape=shape), POINTS)


# 5. The tests, which you needn't change.


def reference(x, *p):
    """A Taylor series in a distance of 0 with the derivative 1: plain JAX differentiates it."""
    distance = jax.tree.map(lambda a: a - jax.lax.stop_gradient(a), x)
    terms = value(x, *p), *jax.jvp(lambda x: change(distance, x, *p), (x,), (distance,))
    return jax.tree.map(lambda y, once, twice: jax.lax.stop_gradient(y) + once - twice / 2, *terms)


def weighted(tree):  # a sum with a different weight for each number
    flat = ravel_pytree(tree)[0]
    return flat @ jnp.cos(1 + jnp.arange(flat.size))


def derivatives(program, f, x, *p):  # by x and p once, then by x and by both; and the value
    run, by_x = partial(program, f), jax.grad(lambda *a: weighted(program(f, *a)))
    found, direction = {"value": run(x, *p)}, jax.tree.map(jnp.cos, x)
    for what, g in {"gradient": run, "second derivative": by_x}.items():
        if SECOND or g is run:
            by_all = jax.grad(lambda a: weighted(g(*a)))((x, *p))
            found[what], *found[f"{what} by parameters"] = by_all
            if FORWARD_MODE:
                found[f"jvp for the {what}"] = jax.jvp(lambda x: g(x, *p), (x,), (direction,))[1]
    return found


def vjp(f, x, p, cotangent):  # what training needs
    result, pull_back = jax.vjp(lambda x: f(x, *p), x)
    return {"value beside a gradient": result, "gradient": pull_back(cotangent)[0]}


def plain_vjp(x, p, cotangent):  # the same from value and change, also where x is infinite
    _, pull_back = jax.vjp(lambda dx: change(dx, x, *p), x)
    return {"value beside a gradient": value(x, *p), "gradient": pull_back(cotangent)[0]}


def cotangents(x, p, size=1.0):  # a different one for each number of the result
    flat, unravel = ravel_pytree(value(x, *p))
    return unravel(size * jnp.cos(jnp.arange(flat.size)))


def cast(tree, *dtypes):  # arrays of these types, in turn
    leaves, structure = jax.tree.flatten(tree)
    return structure.unflatten(map(jnp.asarray, leaves, cycle(dtypes)))


def types(tree):
    return [jnp.result_type(a).name for a in jax.tree.leaves(tree)]


def nbytes(tree):
    return sum(np.asarray(a).nbytes for a in jax.tree.leaves(tree))


def assert_close(found, expected, how, rtol=RTOL, atol=ATOL, x=None, usual=None):
    """Shapes are equal, and each number is close by itself, beyond 1e30, or NaN in plain JAX."""
    for what in found:
        name, trees = f"{what} {how}", (found[what], expected[what])
        shape, wanted = (jax.tree.map(jnp.shape, tree) for tree in trees)
        assert shape == wanted, f"{name} has shape {shape} and should have {wanted}"
        # A difference has the errors of both. A tail is small, and long.
        largest = max(1, np.abs(ravel_pytree(usual[what])[0]).max()) if usual else 1
        for pair in zip(*map(jax.tree.leaves, trees), strict=True):
            a, b = (np.clip(np.asarray(leaf, float), -1e30, 1e30) for leaf in pair)
            at = [np.asarray(leaf, float) for leaf in jax.tree.leaves(x) if leaf.shape == a.shape]
            small = atol * largest / (np.clip(np.abs(at), 1, 0.1 / rtol).min(0) if at else 1)
            wrong = ~(np.abs(a - b) <= small + rtol * np.abs(b)) & ~np.isnan(b)
            if wrong.any():
                where = f" where x is {', '.join(f'{n[wrong][0]:.7g}' for n in at)}" if at else ""
                message = f"{name} is {a[wrong][0]:.7g} and should be {b[wrong][0]:.7g}{where}"
                raise AssertionError(f"{message} ({wrong.sum()} of {wrong.size} numbers are wrong)")


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    """Value and derivatives of a program are the same with your rule and with the reference."""
    given, plain = (jax.jit(partial(derivatives, PROGRAMS[name], f)) for f in (rule, reference))
    for p in PARAMETERS:
        a = X, *jax.tree.map(jnp.asarray, p)
        assert_close(given(*a), plain(*a), f"of {name!r} with parameters {p}", x=X)


@pytest.mark.parametrize("name", CALLS)
def test_single_call(name):
    """Value, gradient and its derivatives are right, under jit and outside of it."""

    def call(vjp, x, p, ct):
        second = jax.grad(lambda x, ct: weighted(vjp(x, p, ct)["gradient"]), (0, 1))
        finite = jax.tree.map(lambda a: jnp.clip(a, -1e30, 1e30), x)
        return vjp(x, p, ct) | ({"second derivative": second(finite, ct)} if SECOND else {})

    given, plain = partial(call, partial(vjp, rule)), jax.jit(partial(call, plain_vjp))
    x = CALLS[name]
    for p in PARAMETERS:
        how = f"for {name} with parameters {p}"
        assert_close({"value": rule(x, *p)}, {"value": value(x, *p)}, how, x=x)
        usual, expected = (plain(x, p, cotangents(x, p)) for x in (X, x))
        for way, f in {"outside of jit": given, "under jit": jax.jit(given)}.items():
            assert_close(f(x, p, cotangents(x, p)), expected, f"{way} {how}", x=x, usual=usual)


def test_size_of_cotangent():
    """The gradient is proportional to the cotangent, down to 0 and up to infinity."""
    for p, size in product(PARAMETERS, COTANGENTS):
        x = POINTS if size < jnp.inf else X  # elsewhere, 0 times infinity may be NaN
        found, expected = (f(x, p, cotangents(x, p, size)) for f in (partial(vjp, rule), plain_vjp))
        found, how = {"gradient": found["gradient"]}, f"with cotangents up to {size}"
        assert_close(found, expected, f"{how} and parameters {p}", RTOL, ATOL * min(size, 1e30), x)


def test_dtype():
    """The result has the type of x, a gradient that of its argument; 16 bits round at most twice."""
    for dtypes in ["float16"], ["bfloat16"], ["float32"], ["float32", "bfloat16"]:  # in a pytree
        x, eps = cast(POINTS, *dtypes), max(float(jnp.finfo(dtype).eps) for dtype in dtypes)
        for p in cast(PARAMETERS, "bfloat16"):  # numbers that all of these types have
            usual, ct = vjp(rule, X, p, cotangents(X, p)), jax.tree.map(jnp.ones_like, value(x, *p))
            near = [times(1 + sign * eps, cast(x, "float32")) for sign in (0, -1, 1)]  # jumps move
            near = [vjp(rule, *cast((a, p, ct), "float32")) for a in near]
            low, high = (jax.tree.map(lambda *a: end(a, 0), *near) for end in (np.min, np.max))
            numbers = jax.tree.map(lambda a: a if a.ndim else a.item(), p)
            for given in numbers, cast(p, "float32"), p:
                how = f"with x in {' and '.join(dtypes)} and parameters {given}"
                result, pull_back = jax.vjp(rule, x, *given)
                gradients = pull_back(jax.tree.map(jnp.ones_like, result))
                made, wanted = (types(result), types(gradients)), (dtypes, types((x, given)))
                right = {*made[0]} <= {*dtypes} and made[1] == wanted[1]
                assert right, f"{how}, types of value and gradients are {made}, not {wanted}"
                found = {"value beside a gradient": result, "gradient": gradients[0]}
                wanted = jax.tree.map(jnp.fmin, jax.tree.map(jnp.fmax, found, low), high)
                wanted = cast(wanted, *types(found))  # which may overflow
                assert_close(found, wanted, how, max(RTOL, 4 * eps), 4 * eps, x, usual)


def test_memory():
    """The backward pass needs at most one array as large as x, in its type, and the parameters."""
    for p, dtype in product(PARAMETERS, ("float32", "bfloat16")):
        x = cast(POINTS, dtype)
        moved = jax.tree.map(partial(jnp.roll, shift=1), times(0.7, x))
        kept = [jax.tree.leaves(jax.vjp(lambda x: rule(x, *p), a)[1]) for a in (x, moved)]
        pairs = [pair for pair in zip(*kept, strict=True) if np.size(pair[0]) > 1]
        fixed = [a for a, b in pairs if a.dtype != bool and (a == b).all()]
        how = f"is stored with x in {dtype} and parameters {p}"
        assert nbytes(pairs) / 2 <= nbytes((x, p)), f"more than one array as large as x {how}"
        assert nbytes(fixed) <= nbytes(p), f"an array that {how} doesn't depend on x"


def test_nan_stays_nan():
    """NaN in x or in a cotangent stays NaN, and makes nothing else NaN."""
    for p in PARAMETERS:
        good = X, cotangents(X, p)
        bad = jax.tree.map(lambda a: a.at[(0,) * a.ndim].set(jnp.nan), good)
        for name, x, ct in ("x", bad[0], good[1]), ("the cotangent", good[0], bad[1]):
            expected = plain_vjp(x, p, ct) | {"value beside a gradient": reference(x, *p)}
            isnan, wanted = jax.tree.map(jnp.isnan, (vjp(rule, x, p, ct), expected))
            assert_close(isnan, wanted, f"(isnan) with NaN in {name} and parameters {p}")


def test_bad_parameter():
    """Under jit, no error can be raised, so value and gradient are NaN."""
    ct = cotangents(X, PARAMETERS[0])
    for p in BAD:
        for what, found in jax.jit(lambda *p: vjp(rule, X, p, ct))(*p).items():
            right = all(np.isnan(array).all() for array in jax.tree.leaves(found))
            assert right, f"{what} is {found} and should be NaN with parameters {p}"
