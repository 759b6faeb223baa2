"""Laws of a custom derivative: it doesn't depend on how the program around it is written."""

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
    """The integral of your slope. If you have none, delete the last law."""
    return ReluGrad(parameter, width=1.0).surrogate_fun(x)


PARAMETERS = jnp.array([0.3, 0.5, 1.0])
X = jnp.arange(-20, 21) / 10  # the threshold itself is one of them
CURRENTS = jnp.full(5, 0.5)


def grad(function):
    """The gradient of the sum of what a function returns, with respect to its first argument."""
    return jax.grad(lambda x, *parameters: function(x, *parameters).sum())


def close(actual, expected, rtol=1e-5):
    """Equal, up to a few roundings in float32 of the largest number."""
    actual = np.asarray(actual, np.float32)
    expected = np.asarray(expected, np.float32)
    atol = rtol * abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def scanned(currents, loop=jax.lax.scan):
    """The spikes of a leaky neuron that loses what it fires."""

    def step(v, current):
        v = 0.9 * v + current
        s = spike(v - 1, 0.5)
        return v - s, s

    return loop(step, 0.0, currents)[1]


def looped(currents):
    """The same spikes from a loop in Python."""

    def loop(step, v, currents):
        spikes = []
        for current in currents:
            v, s = step(v, current)
            spikes.append(s)
        return v, jnp.stack(spikes)

    return scanned(currents, loop)


def test_vmap_is_the_loop():
    """Of all parameters over one x: the spikes, and the gradient with respect to x."""

    def swept(x):
        return jax.vmap(spike, in_axes=(None, 0))(x, PARAMETERS)

    def one_by_one(x):
        return jnp.stack([spike(x, parameter) for parameter in PARAMETERS])

    close(swept(X), one_by_one(X))
    close(grad(swept)(X), grad(one_by_one)(X))


def test_scan_is_the_loop():
    """The spikes, their derivative and their second derivative."""

    def derivatives(spikes):
        first = grad(spikes)
        second = grad(first)
        return jax.jit(lambda x: jnp.stack([spikes(x), first(x), second(x)]))

    close(derivatives(scanned)(CURRENTS), derivatives(looped)(CURRENTS))


def test_the_value_beside_a_gradient_has_its_derivative():
    """value_and_grad returns the same number as the function, so its derivative is the same."""

    def number(currents):
        return scanned(currents).sum()

    def value(currents):
        return jax.value_and_grad(number)(currents)[0]

    close(jax.jit(grad(value))(CURRENTS), jax.jit(grad(scanned))(CURRENTS))


def test_jit_is_eager():
    """In float32 up to a rounding, in bfloat16 to the bit."""
    for x in (X, X.astype("bfloat16")):
        for function in (spike, grad(spike)):
            with jax.disable_jit():
                eager = function(x, 0.5)
            compiled = jax.jit(function, static_argnums=1)(x, 0.5)
            close(compiled, eager, rtol=1e-6)


def test_16_bits_stay_16_bits():
    """Spikes and gradients have the type of x, whatever the type of the parameter."""
    for dtype in ("float16", "bfloat16"):
        x = X.astype(dtype)
        for parameter in (0.5, PARAMETERS[1]):
            assert spike(x, parameter).dtype == dtype
            assert grad(spike)(x, parameter).dtype == dtype


def test_x_is_kept_once():
    """For the backward pass, in its own type, and nothing else of its size."""
    for x in (X, X.astype("bfloat16")):
        _, pull_back = jax.vjp(lambda x: spike(x, 0.5), x)
        kept = [np.asarray(leaf) for leaf in jax.tree.leaves(pull_back)]
        large = [array for array in kept if array.size >= x.size]
        assert sum(array.nbytes for array in large) <= x.nbytes


def test_parameters_are_data():
    """One compiled program is right for all of them."""
    traces = []

    @jax.jit
    def slope(x, parameter):
        traces.append(parameter)
        return grad(spike)(x, parameter)

    for parameter in (0.3, 0.5, 1.0):
        close(slope(X, parameter), grad(spike)(X, parameter))
    assert len(traces) == 1


def test_nan_stays_nan():
    """It is neither 0 nor 1."""
    assert jnp.isnan(spike(jnp.array(jnp.nan), 0.5))


def test_a_bad_parameter_is_loud():
    """Under jit nothing can raise an error for a value, so all spikes are NaN."""
    assert jnp.isnan(jax.jit(spike)(X, -1.0)).all()


def test_the_gradient_of_the_integral_is_the_slope():
    """For every parameter."""
    for parameter in (0.3, 0.5, 1.0):
        close(grad(integral)(X, parameter), grad(spike)(X, parameter))
