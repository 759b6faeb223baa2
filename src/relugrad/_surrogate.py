"""The step, the triangle in place of its derivative, and the rule that joins them."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import relu

from relugrad._arguments import after_promotion, promote


def surrogate_grad(x: Array, alpha: Array, width: Array) -> Array:
    """The triangle, in the dtype of alpha and width."""
    # alpha * width - alpha * |x| would be all rounding at the edge.
    return alpha * relu(width - jnp.abs(x.astype(alpha.dtype)))


def surrogate_fun(x: Array, alpha: Array, width: Array) -> Array:
    """The integral of the triangle from -width to x."""
    gap = relu(width - jnp.abs(x.astype(alpha.dtype)))
    tail = alpha * gap * gap / 2  # in this order: gap * gap could overflow
    return jnp.where(x < 0, tail, alpha * width * width - tail)


def step(x: Array, alpha: Array, width: Array) -> Array:
    """1 for x >= 0, 0 for x < 0, and NaN for NaN."""
    return jnp.where(x >= 0, 1, jnp.where(x < 0, 0, x))


def _times_slope(change: Array, x: Array, alpha: Array, width: Array) -> Array:
    """A cotangent or tangent times the triangle."""
    # 16 bits are multiplied in float32 and rounded once.
    return (change.astype(alpha.dtype) * surrogate_grad(x, alpha, width)).astype(change.dtype)


def _promote_x(primals: tuple[Any, ...]) -> Any:
    """``promote`` as a function of x alone."""
    return lambda x: promote(x, *primals[1:])


spike = jax.custom_vjp(after_promotion(step))


def _backward(residuals: tuple[Any, ...], cotangent: Array) -> tuple[Any, ...]:
    x, pull_back, parameters = jax.vjp(_promote_x(residuals), residuals[0], has_aux=True)
    # None is zero: the spikes don't depend on alpha and width.
    return *pull_back(_times_slope(cotangent, x, *parameters)), None, None


# The forward rule calls `spike` and not `step`, so that a second derivative meets
# the surrogate too. It stores copies, because a lax.scan that is differentiated
# twice confuses a residual that is an argument with a constant (JAX from 0.6.2 on).
spike.defvjp(lambda *primals: (spike(*primals), tuple(map(jnp.copy, primals))), _backward)

# The same for forward mode. The inner checkpoint puts the batch axis of vmap
# where the rule has it. The outer one protects the rule, which a lax.scan that
# is differentiated twice loses before JAX 0.12: the result is wrong or 0.
_with_jvp = jax.custom_jvp(jax.checkpoint(after_promotion(step)))
spike_forward_mode = jax.checkpoint(_with_jvp, prevent_cse=False)


@_with_jvp.defjvp
def _pushforward(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    x, tangent, parameters = jax.jvp(_promote_x(primals), primals[:1], tangents[:1], has_aux=True)
    return spike_forward_mode(*primals), _times_slope(tangent, x, *parameters)
