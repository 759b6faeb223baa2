"""Joins the step to the triangle: ``jax.custom_vjp``, and its twin for forward mode, ``jax.custom_jvp``.

And the triangle's integral to the triangle, by ``jax.custom_jvp`` as well.
"""

import functools

import jax
from jax import Array

from relugrad._functions import step, triangle, triangle_integral

_Three = tuple[Array, Array, Array]


@jax.custom_vjp
def spike(x: Array, alpha: Array, width: Array) -> Array:
    """The step, whose reverse-mode derivative in x is the triangle."""
    return step(x, alpha, width)


def _forward(x: Array, alpha: Array, width: Array) -> tuple[Array, _Three]:
    # `spike` and not `step`, so that a second derivative meets the surrogate in the spikes as well.
    return spike(x, alpha, width), (x, alpha, width)


def _backward(residuals: _Three, cotangent: Array) -> tuple[Array, None, None]:
    # None is zero: the spikes do not depend on alpha and width.
    return _times_triangle(cotangent, *residuals), None, None


spike.defvjp(_forward, _backward)


@jax.custom_jvp
def spike_forward_mode(x: Array, alpha: Array, width: Array) -> Array:
    """The step, whose derivative in x is the triangle in forward and in reverse mode."""
    return step(x, alpha, width)


@spike_forward_mode.defjvp
def _pushforward(primals: _Three, tangents: _Three) -> tuple[Array, Array]:
    x_tangent, _, _ = tangents
    return spike_forward_mode(*primals), _times_triangle(x_tangent, *primals)


def _times_triangle(vector: Array, x: Array, alpha: Array, width: Array) -> Array:
    # float16 and bfloat16 are rounded once, here, and not after every operation.
    return (vector.astype(alpha.dtype) * triangle(x, alpha, width)).astype(x.dtype)


@jax.custom_jvp
def integral(x: Array, alpha: Array, width: Array) -> Array:
    """The triangle's integral, whose derivative in x is the triangle, to the bit and everywhere."""
    return triangle_integral(x, alpha, width)


@integral.defjvp
def _integral_pushforward(primals: _Three, tangents: _Three) -> tuple[Array, Array]:
    # JAX would find the triangle by itself, but for 0, for NaN and for the order of rounding.
    x, *parameters = primals
    x_tangent, *parameter_tangents = tangents
    value, tangent = jax.jvp(
        functools.partial(triangle_integral, x), parameters, parameter_tangents
    )
    return value, tangent + x_tangent.astype(value.dtype) * triangle(*primals)
