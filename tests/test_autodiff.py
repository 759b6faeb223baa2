"""Derivatives: the triangle in the place of the step's, in every order, mode and loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from tests.helpers import Function, close

from relugrad import ReluGrad

# With respect to x


def test_the_third_derivative_of_a_square(forward_mode: bool) -> None:
    """Of s², with s' = g: 2 s g, then 2 g² + 2 s g', and then 6 g g', because g'' = 0."""
    third = jax.grad(jax.grad(jax.grad(lambda x: ReluGrad(forward_mode=forward_mode)(x) ** 2)))
    close(third(0.25), 6 * 0.3 * (1 - 0.25) * -0.3)


@pytest.mark.parametrize("outer", [jax.grad, lambda f: lambda x: jax.value_and_grad(f)(x)[0]])
def test_loop_and_scan_have_the_same_third_derivative(outer: Function, forward_mode: bool) -> None:
    """Of what neurons fire, with respect to their input; and the second, as a value."""

    def neuron(v: Array, w: Array) -> tuple[Array, Array]:
        s = ReluGrad(forward_mode=forward_mode)(v - 1)
        return 0.9 * (v - s) + w, s

    def loop(w: Array) -> Array:
        v, fired = w, 0 * w
        for _ in range(5):
            v, s = neuron(v, w)
            fired += s
        return fired**2

    def scan(w: Array) -> Array:
        return jax.lax.scan(lambda v, _: neuron(v, w), w, length=5)[1].sum() ** 2

    looped, scanned = (outer(jax.grad(jax.grad(f)))(0.4) for f in (loop, scan))
    assert looped
    close(scanned, looped)


# With respect to alpha and width


def test_second_derivatives_with_respect_to_very_small_parameters_are_finite() -> None:
    """Of the peak, alpha * width: what makes a bad parameter NaN has no derivative of its own."""
    hessian = jax.hessian(lambda spike: spike.surrogate_grad(0.0))(ReluGrad(1e-25, 1e-25))
    by_alpha, by_width = hessian.alpha, hessian.width
    close([by_alpha.alpha, by_alpha.width, by_width.alpha, by_width.width], [0, 1, 1, 0])


# What a backward pass keeps


def in_scan(spike: Function) -> Function:
    """The rows of x are the inputs of the time steps."""

    def neuron(v: Array, current: Array) -> tuple[Array, Array]:
        v = 0.9 * v + current
        s = spike(v - 1)
        return v - s, s

    return lambda x: jax.lax.scan(neuron, jnp.zeros_like(x[0]), x)[1]


def stored(function: Function, x: Array) -> list[Array]:
    """The arrays as large as x that the backward pass of a function stores."""
    _, pullback = jax.vjp(function, x)
    return [leaf for leaf in jax.tree.leaves(pullback) if np.size(leaf) >= x.size]


@pytest.mark.parametrize("place", [jax.jit, in_scan], ids=["jit", "scan"])
def test_x_is_stored_once_and_in_its_own_dtype(place: Function, forward_mode: bool) -> None:
    """And nothing else of its size; also not the widths, repeated for each row."""
    x = jnp.linspace(-2, 2, 77).reshape(7, 11).astype("bfloat16")
    spike = ReluGrad(0.3, jnp.ones(11), forward_mode=forward_mode)
    (array,) = stored(place(lambda x: spike(x)), x)
    assert (array.shape, array.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize(("forward_mode", "arrays"), [(False, 3), (True, 2)])
def test_x_is_shared_with_what_else_stores_it(forward_mode: bool, arrays: int) -> None:
    """In forward mode: of x * spike(x), x and the spikes are kept. The default keeps a copy of x."""
    spike = ReluGrad(forward_mode=forward_mode)
    assert len(stored(lambda x: x * spike(x), jnp.ones((7, 11)))) == arrays
