"""Laws of a custom derivative. A rule that keeps them is right, however a program uses it."""

import jax
import jax.numpy as jnp
import numpy as np

# Put your rule here: a function of x and a parameter, element by element.


def slope(x, sharpness):
    """That of a smooth staircase."""
    distance = jnp.abs(x - jnp.round(x))
    zigzag = 1 + sharpness * (4 * distance - 1)
    return jnp.where(jnp.abs(x) > 7.5, 0, zigzag)


@jax.custom_vjp
def function(x, sharpness):
    """Round to an integer from -7 to 7."""
    value = jnp.clip(jnp.round(x), -7, 7)
    return value + jnp.asarray(0 * sharpness, value.dtype)


def forward(*arguments):
    """Return the result, and what the backward rule needs."""
    return function(*arguments), jax.tree.map(jnp.copy, arguments)


def backward(arguments, cotangent):
    """Return a derivative for each argument; None is 0."""
    gradient = cotangent * slope(*arguments)
    return gradient.astype(cotangent.dtype), None


function.defvjp(forward, backward)

# What it must return, and its derivative with respect to x, written anew.


def expected_value(x, sharpness):
    """What the function returns."""
    return np.clip(np.rint(x), -7, 7)


def expected_slope(x, sharpness):
    """The derivative that you want."""
    return (abs(x) < 7.5) * (1 - sharpness + 4 * sharpness * abs(x - np.rint(x)))


PARAMETERS = 0.3, 0.5, 1.0
BAD = jnp.nan, jnp.inf  # must give NaN
# At 0, next to it, around jumps and corners, and far away.
SIZES = [0, 1e-30, *np.linspace(0.03, 1.9, 30), *np.geomspace(2, 1e30, 64)]
X = jnp.array([SIZES, np.negative(SIZES[::-1])]).T
INPUTS = jnp.full((5, 2), 0.4)  # of a loop with five steps

# The laws. They need no change.


def grad(function):
    """The gradient of a sum, with respect to the first argument."""
    return jax.grad(lambda x, *others: function(x, *others).sum())


def close(actual, expected, rtol=1e-5):
    """Finite and equal, up to some roundings of the largest number."""
    actual, expected = (np.asarray(a, "float32") for a in (actual, expected))
    assert np.isfinite(expected).all()
    atol = rtol * abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def recurrence(inputs, loop=jax.lax.scan):
    """Each result flows back into the next argument."""

    def step(carry, x):
        x = 0.9 * carry + x
        y = function(x, 0.5)
        return x - y, y

    return loop(step, 0.0 * inputs[0], inputs)[1]


def python_loop(step, carry, inputs):
    """What `jax.lax.scan` does, step by step."""
    results = []
    for x in inputs:
        carry, result = step(carry, x)
        results.append(result)
    return carry, jnp.stack(results)


def test_the_value_is_right():
    """Also next to a gradient."""
    for p in PARAMETERS:
        beside, _ = jax.vjp(lambda x, p=p: function(x, p), X)
        for actual in (function(X, p), beside):
            close(actual, expected_value(X, p))


def test_the_derivative_is_right():
    """For every parameter, at every x."""
    for p in PARAMETERS:
        close(grad(function)(X, p), expected_slope(X, p))


def test_the_gradient_is_the_cotangent_times_the_slope():
    """Each x has its own cotangent, of both signs, small and large."""
    x = jnp.append(X, jnp.array([jnp.inf, -jnp.inf]))
    _, pull_back = jax.vjp(lambda x: function(x, 0.5), x)
    (slopes,) = pull_back(jnp.ones_like(x))
    for size in (1e-6, 1.0, 1e6):
        cotangent = size * jnp.cos(jnp.arange(x.size))
        close(pull_back(cotangent)[0], cotangent * slopes)


def test_shape_and_dtype_are_those_of_x():
    """Whatever the type of the parameter; each type rounds and does no more."""
    for x in (X.astype("float16"), X[9].astype("bfloat16"), X, X[9, 0]):
        expected = grad(function)(x.astype("float32"), 0.5)
        for p in (0.5, jnp.float32(0.5), jnp.bfloat16(0.5)):
            result, gradient = function(x, p), grad(function)(x, p)
            assert result.shape == gradient.shape == x.shape
            assert result.dtype == gradient.dtype == x.dtype
            close(gradient, expected, rtol=4 * jnp.finfo(x.dtype).eps)


def test_x_is_stored_once():
    """For the backward pass, in its own type, and nothing else as large."""
    for x in (X, X.astype("bfloat16")):
        _, pull_back = jax.vjp(lambda x: function(x, 0.5), x)
        kept = map(np.asarray, jax.tree.leaves(pull_back))
        assert sum(a.nbytes for a in kept if a.size >= x.size) <= x.nbytes


def test_vmap_agrees_with_a_loop():
    """Compiled, over all parameters that share an x, and over its columns."""

    def mapped(x):
        sweep = jax.vmap(function, (None, 0), out_axes=-1)
        return jax.vmap(sweep, (1, None), out_axes=1)(x, jnp.array(PARAMETERS))

    def looped(x):
        return jnp.stack([function(x, p) for p in PARAMETERS], axis=-1)

    close(jax.jit(mapped)(X), looped(X))
    close(jax.jit(grad(mapped))(X), grad(looped)(X))


def test_scan_agrees_with_a_loop():
    """Values, first and second derivatives, compiled and step by step."""

    def derivatives(inputs, loop):
        first = grad(recurrence)
        given = inputs, loop
        return jnp.stack([recurrence(*given), first(*given), grad(first)(*given)])

    scanned = jax.jit(lambda x: derivatives(x, jax.lax.scan))(INPUTS)
    close(scanned, derivatives(INPUTS, python_loop))


def test_a_value_returned_with_its_gradient_has_its_derivative():
    """It is the function's number, also on a mesh, here of one device."""
    mesh = jax.sharding.Mesh(jax.devices()[:1], "device")
    columns = jax.sharding.PartitionSpec(None, "device")
    on_mesh = jax.shard_map(recurrence, mesh=mesh, in_specs=columns, out_specs=columns)

    def value(inputs, function):
        return jax.value_and_grad(lambda x: function(x).sum())(inputs)[0]

    expected = jax.jit(grad(recurrence))(INPUTS)
    for function in (recurrence, on_mesh):
        derivative = jax.jit(lambda x, f=function: grad(value)(x, f))
        close(derivative(INPUTS), expected)


def test_nan_stays_nan():
    """In a value, a slope and a cotangent."""
    x = jnp.array([jnp.nan, X[0, 0]])
    result, pull_back = jax.vjp(lambda x: function(x, 0.5), x)
    np.testing.assert_array_equal(jnp.isnan(result), [1, 0])
    for cotangent, expected in (([1, 1], [1, 0]), ([1, jnp.nan], [1, 1])):
        (gradient,) = pull_back(jnp.array(cotangent, "float32"))
        np.testing.assert_array_equal(jnp.isnan(gradient), expected)


def test_a_bad_parameter_gives_nan_or_an_error():
    """Under jit, a value can raise no error: all results are NaN."""
    for bad in BAD:
        assert jnp.isnan(jax.jit(function)(X, bad)).all()
