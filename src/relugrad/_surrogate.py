"""The step, the triangle in place of its derivative, and the rule that joins them."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import relu

from relugrad._arguments import of_any_arguments, promote


def triangle(x: Array, alpha: Array, width: Array) -> Array:
    """The surrogate gradient, in the dtype of alpha and width."""
    # alpha * width - alpha * |x| would be all rounding at the edge.
    return alpha * relu(width - jnp.abs(x.astype(alpha.dtype)))


def step(x: Array, alpha: Array, width: Array) -> Array:
    """1 for x >= 0, 0 for x < 0, NaN for a NaN in x or width."""
    x = jax.lax.select(jnp.isnan(width), width.astype(x.dtype), x)
    # Made of the arguments alone: lax.scan hoists a constant out of a function
    # that has a rule, and hands the rule wrong residuals (JAX from 0.6.2 on).
    # A NaN as -x: a minus ends a walk of LLVM's over all paths through what is
    # unrolled, which are five times as many with each step.
    return jax.lax.select(jnp.isnan(x), -x, (x >= 0).astype(x.dtype))


def _times_slope(change: Array, x: Array, alpha: Array, width: Array) -> Array:
    """A cotangent or tangent times the slope."""
    # 16 bits are multiplied in float32 and rounded once.
    return (change.astype(alpha.dtype) * triangle(x, alpha, width)).astype(change.dtype)


def _promote_x(given: tuple[Any, ...]) -> Any:
    """``promote`` as a function of x alone."""
    return lambda x: promote(x, *given[1:])


spike = jax.custom_vjp(of_any_arguments(step))


def _forward(*given: Any) -> tuple[Array, tuple[Any, ...]]:
    # Not `step`: a second derivative meets the surrogate here too.
    return spike(*given), given


def _backward(given: tuple[Any, ...], cotangent: Array) -> tuple[Any, ...]:
    x, pull_back, rest = jax.vjp(_promote_x(given), given[0], has_aux=True)
    # None is zero: the spikes don't depend on alpha and width.
    return *pull_back(_times_slope(cotangent, x, *rest)), None, None


spike.defvjp(_forward, _backward)

# The same for forward mode. The inner checkpoint puts the batch axis of vmap
# where the rule has it. The outer one protects the rule, which a lax.scan that
# is differentiated twice loses before JAX 0.12: the result is wrong or 0.
_with_jvp = jax.custom_jvp(jax.checkpoint(of_any_arguments(step)))
spike_forward_mode = jax.checkpoint(_with_jvp, prevent_cse=False)


@_with_jvp.defjvp
def _pushforward(given: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    x, tangent, rest = jax.jvp(_promote_x(given), given[:1], tangents[:1], has_aux=True)
    return spike_forward_mode(*given), _times_slope(tangent, x, *rest)


def integral(x: Array, alpha: Array, width: Array) -> Array:
    """The integral of the triangle from -width to x."""
    gap = relu(width - jnp.abs(x.astype(alpha.dtype)))
    tail = alpha * gap * gap / 2  # in this order: gap * gap could overflow
    return jnp.where(x < 0, tail, alpha * width * width - tail)
