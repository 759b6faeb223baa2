"""The derivatives that `_autodiff.py` attaches: `jax.custom_vjp`, and its forward-mode twin."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from relugrad import ReluGrad, relu_grad
from relugrad._autodiff import spike, spike_forward_mode
from relugrad._functions import triangle

Function = Callable[..., Any]

ALPHA, WIDTH = jnp.float32(0.3), jnp.float32(1.0)
X = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
SLOPE = np.array([0, 0.15, 0.3, 0.15, 0])

parametrize_twins = pytest.mark.parametrize("twin", [spike, spike_forward_mode])
parametrize_modes = pytest.mark.parametrize(
    "forward_mode", [False, True], ids=["custom_vjp", "custom_jvp"]
)
parametrize_jit = pytest.mark.parametrize("jit", [lambda f: f, jax.jit], ids=["eager", "jitted"])


def close(actual: Any, expected: Any) -> None:
    """Equal, up to a few roundings in float32."""
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-7)


@parametrize_twins
def test_promise_01_forward_the_step_and_backward_the_triangle(twin: Function) -> None:
    """The heart of the package."""
    spikes, pullback = jax.vjp(twin, X, ALPHA, WIDTH)
    np.testing.assert_array_equal(spikes, [0, 0, 1, 1, 1])
    cotangent = jnp.array([1.0, 2.0, -3.0, 4.0, 5.0])
    close(pullback(cotangent)[0], cotangent * SLOPE)


@parametrize_twins
def test_promise_05_gradient_of_nan_is_nan_and_of_infinity_0(twin: Function) -> None:
    """A NaN is not hidden by the backward pass either."""
    x = jnp.array([jnp.nan, -jnp.inf, jnp.inf])
    gradient = jax.grad(lambda x: twin(x, ALPHA, WIDTH).sum())(x)
    np.testing.assert_array_equal(gradient, [np.nan, 0, 0])


@parametrize_modes
@pytest.mark.parametrize("shape", [(), (5,)])
def test_promise_07_spikes_do_not_depend_on_the_parameters(
    forward_mode: bool, shape: tuple[int, ...]
) -> None:
    """Numbers or arrays: their gradients are 0, and of their own shape."""

    def loss(alpha: jax.Array, width: jax.Array) -> Any:
        return relu_grad(X, alpha, width, forward_mode=forward_mode).sum()

    gradients = jax.grad(loss, argnums=(0, 1))(jnp.full(shape, 0.3), jnp.full(shape, 1.0))
    for gradient in gradients:
        np.testing.assert_array_equal(gradient, np.zeros(shape))


@parametrize_modes
@parametrize_jit
def test_promise_07_a_gradient_depends_on_the_parameters(forward_mode: bool, jit: Function) -> None:
    """Meta-learning: d/d alpha is ReLU(width - |x|), and d/d width is alpha inside the support."""

    def gradient(alpha: jax.Array, width: jax.Array) -> Any:
        return jax.grad(lambda x: relu_grad(x, alpha, width, forward_mode=forward_mode).sum())(X)

    by_alpha, by_width = jit(jax.jacrev(gradient, argnums=(0, 1)))(ALPHA, WIDTH)
    close(by_alpha, [0, 0.5, 1, 0.5, 0])
    close(by_width, [0, 0.3, 0.3, 0.3, 0])


@parametrize_modes
def test_promise_07_each_parameter_of_an_array_gets_its_own_derivative(forward_mode: bool) -> None:
    """A width and an alpha for each neuron, shared by the rows of a batch."""
    surrogate = ReluGrad(jnp.array([0.3, 0.5]), jnp.array([1.0, 2.0]), forward_mode=forward_mode)
    x = jnp.array([[0.5, 0.5], [0.0, -1.5], [3.0, 3.0]])

    def total(surrogate: ReluGrad) -> Any:
        return jax.grad(lambda x: surrogate(x).sum())(x).sum()

    for gradient in (jax.grad(total)(surrogate), jax.grad(slope_total)(surrogate, x)):
        close(gradient.alpha, [0.5 + 1, 1.5 + 0.5])
        close(gradient.width, [2 * 0.3, 2 * 0.5])


def slope_total(surrogate: ReluGrad, x: jax.Array) -> jax.Array:
    """Sum the slope over all of x."""
    return surrogate.surrogate_grad(x).sum()


@parametrize_modes
def test_promise_07_second_derivative_is_minus_alpha_sign_x(forward_mode: bool) -> None:
    """Inside the support; 0 at the peak, at the edge and outside."""
    x = jnp.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    surrogate = ReluGrad(forward_mode=forward_mode)
    for slope in (
        jax.grad(surrogate),
        surrogate.surrogate_grad,
        jax.grad(surrogate.surrogate_fun),
    ):
        close(jax.vmap(jax.grad(slope))(x), [0, 0, 0.3, 0, -0.3, 0, 0])


@parametrize_twins
@parametrize_jit
def test_promise_07_all_orders_meet_the_surrogate_in_the_spikes_too(
    twin: Function, jit: Function
) -> None:
    """Of s², with s' = g: 2 s g, then 2 g² + 2 s g', then 6 g g' (g'' = 0)."""

    def square(x: jax.Array) -> Any:
        return twin(x, ALPHA, WIDTH) ** 2

    s, g, g1 = np.array([0, 0, 1, 1, 1]), SLOPE, np.array([0, 0.3, 0, -0.3, 0])
    derivative = square
    for expected in (s, 2 * s * g, 2 * g**2 + 2 * s * g1, 6 * g * g1):
        close(jit(jax.vmap(derivative))(X), expected)
        derivative = jax.grad(derivative)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("alpha", [0.3, 0.5, 1.0], [0, 0.9, 1.8, 0.9, 0]),
        ("width", [0.5, 1.0, 2.0], [0, 0.6, 1.05, 0.6, 0]),
    ],
)
@pytest.mark.parametrize("form", ["function", "pytree"])
@parametrize_modes
@parametrize_jit
def test_promise_08_vmap_over_a_parameter_counts_each_cotangent_once(
    name: str, values: list[float], expected: list[float], form: str, forward_mode: bool, jit: Any
) -> None:
    """The vmap trap: the spikes of a batch of parameters share x and one cotangent."""
    ones = jnp.ones(len(values))
    parameters = {"alpha": 0.3 * ones, "width": ones, name: jnp.array(values)}
    if form == "function":

        def loss(x: jax.Array) -> Any:
            def spikes(value: jax.Array) -> Any:
                return relu_grad(x, **{name: value}, forward_mode=forward_mode).sum()

            return jax.vmap(spikes)(parameters[name]).sum()

    else:
        grid = ReluGrad(**parameters, forward_mode=forward_mode)

        def loss(x: jax.Array) -> Any:
            return jax.vmap(lambda surrogate: surrogate(x).sum())(grid).sum()

    close(jit(jax.grad(loss))(X), expected)


@parametrize_twins
def test_promise_08_spikes_are_batched_with_either_parameter(twin: Function) -> None:
    """Why the trap stays shut: the step depends on alpha and on width as data."""
    for argument in (1, 2):
        in_axes = tuple(0 if i == argument else None for i in range(3))
        arguments = [X, ALPHA, WIDTH]
        arguments[argument] = jnp.array([1.0, -1.0])
        spikes = jax.vmap(twin, in_axes)(*arguments)
        np.testing.assert_array_equal(spikes, [[0, 0, 1, 1, 1], [np.nan] * 5])


def test_promise_09_forward_mode_has_the_triangle_as_its_derivative() -> None:
    """`jvp`, `jacfwd`, `linearize` and `hessian` work, and reverse mode on the same object."""
    surrogate = ReluGrad(forward_mode=True)
    tangent = jnp.array([1.0, 2.0, -3.0, 4.0, 5.0])
    spikes, pushed = jax.jvp(surrogate, (X,), (tangent,))
    np.testing.assert_array_equal(spikes, [0, 0, 1, 1, 1])
    close(pushed, tangent * SLOPE)
    close(jax.jacfwd(surrogate)(X), np.diag(SLOPE))
    close(jax.linearize(surrogate, X)[1](tangent), tangent * SLOPE)
    close(jax.jacrev(surrogate)(X), np.diag(SLOPE))
    close(jax.hessian(lambda x: surrogate(x).sum())(X), np.diag([0, 0.3, 0, -0.3, 0]))


def test_promise_09_the_twins_are_the_same_function() -> None:
    """Spikes, slopes and second derivatives agree to the bit."""
    x = jnp.linspace(-2, 2, 1001)
    one, other = ReluGrad(0.7, 1.3), ReluGrad(0.7, 1.3, forward_mode=True)
    for derivative in (lambda f: f, jax.grad, lambda f: jax.grad(jax.grad(f))):
        np.testing.assert_array_equal(jax.vmap(derivative(one))(x), jax.vmap(derivative(other))(x))


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: jax.jvp(f, (X,), (X,)),
        lambda f: jax.jacfwd(f)(X),
        lambda f: jax.linearize(f, X)[1](X),
        lambda f: jax.hessian(lambda x: f(x).sum())(X),
    ],
    ids=["jvp", "jacfwd", "linearize", "hessian"],
)
def test_promise_09_without_it_jax_says_so_in_its_own_words(transform: Function) -> None:
    """The words that the documentation quotes, so that a search finds the remedy."""
    words = r"can't apply forward-mode autodiff \(jvp\) to a custom_vjp function\."
    with pytest.raises(TypeError, match=words):
        transform(relu_grad)


def in_scan(surrogate: Function) -> Function:
    """Integrate a leaky neuron, the rows of the input being its time steps."""

    def membrane(current: jax.Array) -> jax.Array:
        def advance(v: jax.Array, current: jax.Array) -> tuple[jax.Array, jax.Array]:
            v = v * jnp.asarray(0.9, v.dtype) + current
            spikes = surrogate(v - 1)
            return v - spikes, spikes

        return jax.lax.scan(advance, jnp.zeros_like(current[0]), current)[1]

    return membrane


@parametrize_modes
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("place", [lambda f: f, jax.jit, in_scan], ids=["alone", "jit", "scan"])
@pytest.mark.parametrize("method", ["__call__", "surrogate_grad"])
def test_promise_11_backward_keeps_x_once_and_nothing_else(
    method: str, place: Function, dtype: str, forward_mode: bool
) -> None:
    """What the pullback closes over: x in its own dtype, and numbers."""
    x = jnp.linspace(-2, 2, 77).reshape(7, 11).astype(dtype)
    function = getattr(ReluGrad(forward_mode=forward_mode), method)
    pullback = jax.vjp(place(function), x)[1]
    kept = [leaf for leaf in jax.tree.leaves(pullback) if np.size(leaf) >= x.size]
    assert [(leaf.shape, leaf.dtype) for leaf in kept] == [(x.shape, x.dtype)]


@parametrize_modes
def test_promise_11_backward_of_broadcast_parameters_keeps_them_unbroadcast(
    forward_mode: bool,
) -> None:
    """A width for each neuron is kept as it came, not once for each time step."""
    x, width = jnp.zeros((7, 11)), jnp.ones(11)
    pullback = jax.vjp(lambda x: relu_grad(x, 0.3, width, forward_mode=forward_mode), x)[1]
    assert sorted(map(np.size, jax.tree.leaves(pullback)))[-2:] == [11, 77]


def test_promise_11_the_heart_is_the_triangle_times_the_cotangent() -> None:
    """One multiplication more than the triangle itself: nothing is computed twice."""

    def pull(x: jax.Array, cotangent: jax.Array) -> Any:
        return jax.vjp(lambda x: relu_grad(x, 0.3, 1.0), x)[1](cotangent)

    def flops(function: Function, *arguments: jax.Array) -> float:
        cost: Any = jax.jit(function).lower(*arguments).compile().cost_analysis()
        cost = cost[0] if isinstance(cost, list) else cost  # a list of one in JAX 0.4
        return float(cost["flops"])

    x = jnp.ones(1000)
    slope = flops(lambda x: triangle(x, ALPHA, WIDTH), x)
    assert flops(pull, x, x) <= slope + 1.1 * x.size


@parametrize_modes
def test_promise_07_a_second_derivative_through_a_scan_is_right(forward_mode: bool) -> None:
    """The same as through the time steps written out; or NaN, where JAX drops a custom_jvp rule."""
    spike = ReluGrad(0.3, 1.0, forward_mode=forward_mode)
    currents = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])

    def step(potential: Array, current: Array) -> tuple[Array, Array]:
        potential = 0.9 * potential + current
        fired = spike(potential - 1.0)
        return potential - fired, fired

    def scanned(factor: Array) -> Array:
        return jax.lax.scan(lambda p, _: step(p, factor * currents), 0 * currents, length=3)[
            1
        ].sum()

    def written_out(factor: Array) -> Array:
        potential, total = 0 * currents, jnp.zeros(())
        for _ in range(3):
            potential, fired = step(potential, factor * currents)
            total += fired.sum()
        return total

    result, expected = (jax.grad(jax.grad(f))(1.0) for f in (scanned, written_out))
    assert expected != 0
    if not (forward_mode and jnp.isnan(result)):
        np.testing.assert_allclose(result, expected, rtol=1e-6)
