"""The step, the triangle in place of its derivative, and the rule that joins them."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import relu

from relugrad._arguments import promote, promoted


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
    """1 for x >= 0, 0 for x < 0, NaN for a NaN in x or width."""
    x = jax.lax.select(jnp.isnan(width), width.astype(x.dtype), x)
    # Made of the arguments alone: lax.scan hoists a constant, and the rule gets
    # wrong residuals (JAX from 0.6.2 on). NaN as -x: without the minus, a loop
    # over time steps in Python hardly ever compiles (JAX from 0.11 on).
    return jax.lax.select(jnp.isnan(x), -x, (x >= 0).astype(x.dtype))


def _times_slope(change: Array, x: Array, alpha: Array, width: Array) -> Array:
    """A cotangent or tangent times the triangle."""
    # 16 bits are multiplied in float32 and rounded once.
    return (change.astype(alpha.dtype) * surrogate_grad(x, alpha, width)).astype(change.dtype)


def _promote_x(given: tuple[Any, ...]) -> Any:
    """``promote`` as a function of x alone."""
    return lambda x: promote(x, *given[1:])


spike = jax.custom_vjp(promoted(step))


def _forward(*given: Any) -> tuple[Array, tuple[Any, ...]]:
    # Not `step`: a second derivative meets the surrogate here too.
    return spike(*given), given


def _backward(given: tuple[Any, ...], cotangent: Array) -> tuple[Any, ...]:
    x, pull_back, parameters = jax.vjp(_promote_x(given), given[0], has_aux=True)
    # None is zero: the spikes don't depend on alpha and width.
    return *pull_back(_times_slope(cotangent, x, *parameters)), None, None


spike.defvjp(_forward, _backward)

# The same for forward mode. The inner checkpoint puts the batch axis of vmap
# where the rule has it. The outer one protects the rule, which a lax.scan that
# is differentiated twice loses before JAX 0.12: the result is wrong or 0.
_with_jvp = jax.custom_jvp(jax.checkpoint(promoted(step)))
spike_forward_mode = jax.checkpoint(_with_jvp, prevent_cse=False)


@_with_jvp.defjvp
def _pushforward(given: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    x, tangent, parameters = jax.jvp(_promote_x(given), given[:1], tangents[:1], has_aux=True)
    return spike_forward_mode(*given), _times_slope(tangent, x, *parameters)
