"""Laws of a surrogate gradient. A rule that keeps them is right, however a program uses it."""

import jax
import jax.numpy as jnp
import numpy as np

from relugrad import ReluGrad

# Put your function here: a spike of x, the potential minus the threshold,
# with one parameter of its slope.


def spike(x, parameter):
    """A step, whose derivative is your slope."""
    return ReluGrad(parameter, width=1.0)(x)


def integral(x, parameter):
    """The integral of your slope. If you have none, delete the law on it."""
    return ReluGrad(parameter, width=1.0).surrogate_fun(x)


PARAMETERS = 0.3, 0.5, 1.0
# At the threshold, next to it, between corners of slopes, and far away.
SIZES = [0, 1e-30, *np.linspace(0.03, 1.9, 30), *np.geomspace(2, 1e30, 64)]
X = jnp.array([SIZES, np.negative(SIZES)]).T
CURRENTS = jnp.full((5, 2), 0.5)  # five time steps of two neurons


def grad(function):
    """The gradient of a sum, with respect to the first argument."""
    return jax.grad(lambda x, *others: function(x, *others).sum())


def close(actual, expected, rtol=1e-5):
    """Finite and equal, up to some roundings of the largest number."""
    actual, expected = (np.asarray(a, "float32") for a in (actual, expected))
    assert np.isfinite(expected).all()
    atol = rtol * abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def neuron(currents, loop=jax.lax.scan):
    """The spikes of a leaky neuron that loses what it fires."""

    def step(v, current):
        v = 0.9 * v + current
        s = spike(v - 1, 0.5)
        return v - s, s

    return loop(step, 0.0 * currents[0], currents)[1]


def python_loop(step, v, currents):
    """What `jax.lax.scan` does, step by step."""
    spikes = []
    for current in currents:
        v, s = step(v, current)
        spikes.append(s)
    return v, jnp.stack(spikes)


def test_spikes_are_a_step():
    """1 from the threshold on and 0 below, also next to a gradient."""
    for parameter in PARAMETERS:
        beside, _ = jax.vjp(lambda x, p=parameter: spike(x, p), X)
        for spikes in (spike(X, parameter), beside):
            np.testing.assert_array_equal(spikes, X >= 0)


def test_the_gradient_of_the_integral_is_the_slope():
    """For every parameter, near the threshold and far away."""
    for parameter in PARAMETERS:
        close(grad(spike)(X, parameter), grad(integral)(X, parameter))


def test_the_gradient_is_the_cotangent_times_the_slope():
    """Each x has its own cotangent, of both signs, small and large."""
    x = jnp.append(X, jnp.array([jnp.inf, -jnp.inf]))
    _, pull_back = jax.vjp(lambda x: spike(x, 0.5), x)
    (slope,) = pull_back(jnp.ones_like(x))
    for size in (1e-6, 1.0, 1e6):
        cotangent = size * jnp.cos(jnp.arange(x.size))
        close(pull_back(cotangent)[0], cotangent * slope)


def test_shape_and_dtype_are_those_of_x():
    """Whatever the type of the parameter; each type rounds and does no more."""
    for x in (X.astype("float16"), X[9].astype("bfloat16"), X, X[9, 0]):
        expected = grad(spike)(x.astype("float32"), 0.5)
        for parameter in (0.5, jnp.float32(0.5), jnp.bfloat16(0.5)):
            spikes, gradient = spike(x, parameter), grad(spike)(x, parameter)
            assert spikes.shape == gradient.shape == x.shape
            assert spikes.dtype == gradient.dtype == x.dtype
            close(gradient, expected, rtol=4 * jnp.finfo(x.dtype).eps)


def test_x_is_stored_once():
    """For the backward pass, in its own type, and nothing else as large."""
    for x in (X, X.astype("bfloat16")):
        _, pull_back = jax.vjp(lambda x: spike(x, 0.5), x)
        kept = map(np.asarray, jax.tree.leaves(pull_back))
        assert sum(a.nbytes for a in kept if a.size >= x.size) <= x.nbytes


def test_vmap_agrees_with_a_loop():
    """Compiled, over all parameters that share an x, and over its columns."""

    def mapped(x):
        sweep = jax.vmap(spike, (None, 0), out_axes=-1)
        return jax.vmap(sweep, (1, None), out_axes=1)(x, jnp.array(PARAMETERS))

    def looped(x):
        return jnp.stack([spike(x, p) for p in PARAMETERS], axis=-1)

    close(jax.jit(mapped)(X), looped(X))
    close(jax.jit(grad(mapped))(X), grad(looped)(X))


def test_scan_agrees_with_a_loop():
    """Spikes, first and second derivatives, compiled and step by step."""

    def derivatives(currents, loop):
        first = grad(neuron)
        given = currents, loop
        return jnp.stack([neuron(*given), first(*given), grad(first)(*given)])

    scanned = jax.jit(lambda x: derivatives(x, jax.lax.scan))(CURRENTS)
    close(scanned, derivatives(CURRENTS, python_loop))


def test_a_value_returned_with_its_gradient_has_its_derivative():
    """It is the function's number, also on a mesh, here of one device."""
    mesh = jax.sharding.Mesh(jax.devices()[:1], "device")
    divided = jax.sharding.PartitionSpec(None, "device")
    on_mesh = jax.shard_map(neuron, mesh=mesh, in_specs=divided, out_specs=divided)

    def value(currents, function):
        return jax.value_and_grad(lambda x: function(x).sum())(currents)[0]

    expected = jax.jit(grad(neuron))(CURRENTS)
    for function in (neuron, on_mesh):
        derivative = jax.jit(lambda x, f=function: grad(value)(x, f))
        close(derivative(CURRENTS), expected)


def test_nan_stays_nan():
    """In a spike, a slope and a cotangent: it is neither 0 nor 1."""
    spikes, pull_back = jax.vjp(lambda x: spike(x, 0.5), jnp.array([jnp.nan, 0]))
    np.testing.assert_array_equal(spikes, [jnp.nan, 1])
    for cotangent, expected in (([1, 1], [1, 0]), ([1, jnp.nan], [1, 1])):
        (gradient,) = pull_back(jnp.array(cotangent, "float32"))
        np.testing.assert_array_equal(jnp.isnan(gradient), expected)


def test_a_bad_parameter_gives_nan_or_an_error():
    """Under jit, a value can raise no error: all spikes are NaN."""
    for bad in (-1.0, 0.0, jnp.inf):
        assert jnp.isnan(jax.jit(spike)(X, bad)).all()
