"""Derivatives: the triangle in the place of the step's, in every order, mode and loop."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from tests.test_transformations import Function, close

from relugrad import ReluGrad

X = np.array([-2.0, -0.5, 0.0, 0.5, 2.0], np.float32)
SLOPE = np.array([0, 0.15, 0.3, 0.15, 0])
TANGENT = np.array([1.0, 2.0, -3.0, 4.0, 5.0], np.float32)


# With respect to x


def test_backward_is_the_cotangent_times_the_triangle(forward_mode: bool) -> None:
    """The heart of the package."""
    _, pullback = jax.vjp(ReluGrad(forward_mode=forward_mode), X)
    close(pullback(jnp.asarray(TANGENT))[0], TANGENT * SLOPE)


def test_the_third_derivative_of_a_square(forward_mode: bool) -> None:
    """Of s², with s' = g: 2 s g, then 2 g² + 2 s g', and then 6 g g', because g'' = 0."""
    spike = ReluGrad(forward_mode=forward_mode)
    third = jax.grad(jax.grad(jax.grad(lambda x: spike(x) ** 2)))
    close(third(0.25), 6 * 0.3 * (1 - 0.25) * -0.3)


# With respect to alpha and width


def test_second_derivatives_with_respect_to_very_small_parameters_are_finite() -> None:
    """Of the peak, alpha * width: what makes a bad parameter NaN has no derivative of its own."""
    found = jax.hessian(lambda spike: spike.surrogate_grad(0.0))(ReluGrad(1e-25, 1e-25))
    close(jax.tree.leaves(found), [0, 1, 1, 0])


# Through time: one leaky neuron, whose potential loses what it fires.


def second_derivative_by_hand(w: float) -> float:
    """Of the sum of its spikes in 20 steps, in the input current w."""
    v, dv, ddv, total = 0.0, 0.0, 0.0, 0.0
    for _ in range(20):
        v, dv, ddv = 0.9 * v + w, 0.9 * dv + 1, 0.9 * ddv
        x = v - 1
        s, g, g1 = float(x >= 0), 0.5 * max(0, 1 - abs(x)), -0.5 * np.sign(x) * (abs(x) < 1)
        ds, dds = g * dv, g1 * dv**2 + g * ddv
        v, dv, ddv = v - s, dv - ds, ddv - dds
        total += dds
    return total


SPIKE = {mode: ReluGrad(0.5, 1.0, forward_mode=mode) for mode in (False, True)}


def count(w: Any, spike: Function = SPIKE[True]) -> Array:
    """The sum of its spikes."""

    def step(v: Array, _: None) -> tuple[Array, Array]:
        v = 0.9 * v + w
        s = spike(v - 1.0)
        return v - s, s

    return jax.lax.scan(step, jnp.array(0.0), length=20)[1].sum()


def test_the_second_derivative_through_time(forward_mode: bool) -> None:
    """The surrogate wherever the step is differentiated."""
    found = jax.grad(jax.grad(count))(0.3, SPIKE[forward_mode])
    assert found == pytest.approx(second_derivative_by_hand(0.3), rel=1e-5)


# Forward mode


def test_forward_is_the_tangent_times_the_triangle() -> None:
    """At once, and by a linear function that is kept."""
    spike = ReluGrad(forward_mode=True)
    close(jax.jvp(spike, (X,), (TANGENT,))[1], TANGENT * SLOPE)
    close(jax.linearize(spike, X)[1](TANGENT), TANGENT * SLOPE)


# What a backward pass keeps


def in_scan(spike: Function) -> Function:
    """The rows of x are the inputs of the time steps."""

    def neuron(v: Array, current: Array) -> tuple[Array, Array]:
        v = v * jnp.asarray(0.9, v.dtype) + current
        s = spike(v - 1)
        return v - s, s

    return lambda x: jax.lax.scan(neuron, jnp.zeros_like(x[0]), x)[1]


def kept(function: Function, x: Array) -> list[tuple[tuple[int, ...], Any]]:
    """Shapes and dtypes of the arrays as large as x that the backward pass of a function keeps."""
    leaves = jax.tree.leaves(jax.vjp(function, x)[1])
    return [(leaf.shape, leaf.dtype) for leaf in leaves if np.size(leaf) >= x.size]


@pytest.mark.parametrize("place", [jax.jit, in_scan], ids=["jit", "scan"])
def test_x_is_kept_once_and_in_its_own_dtype(place: Function, forward_mode: bool) -> None:
    """And nothing else of its size; also not the widths, repeated for each row."""
    x = jnp.linspace(-2, 2, 77).reshape(7, 11).astype("bfloat16")
    spike = ReluGrad(0.3, jnp.ones(11), forward_mode=forward_mode)
    assert kept(place(lambda x: spike(x)), x) == [(x.shape, x.dtype)]


def test_x_is_shared_with_what_else_keeps_it_in_forward_mode_alone(forward_mode: bool) -> None:
    """Of x * spike(x), a backward pass needs x and the spikes; the rule stores a copy."""
    x = jnp.ones((7, 11))
    spike = ReluGrad(forward_mode=forward_mode)
    assert len(kept(lambda x: x * spike(x), x)) == (2 if forward_mode else 3)
