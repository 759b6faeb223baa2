"""The step, the triangle in the place of its derivative, and the rule that joins them."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import relu


def triangle(x: Array, alpha: Array, width: Array) -> Array:
    """The surrogate gradient, in the dtype of alpha and width."""
    x = x.astype(alpha.dtype)
    # alpha * width - alpha * |x| would be all rounding at the edge.
    return alpha * relu(width - jnp.abs(x))


def step(x: Array, alpha: Array, width: Array) -> Array:
    """1 for x >= 0, 0 for x < 0, NaN for a NaN in x or width. Alpha is there for the rule."""
    x = jnp.where(jnp.isnan(width), width.astype(x.dtype), x)
    # Made of the arguments alone: lax.scan hoists a constant out of a function
    # that has a rule, and hands the rule wrong residuals (JAX 0.6.2 to 0.12.0).
    return jnp.where(jnp.isnan(x), x, (x >= 0).astype(x.dtype))


spike = jax.custom_vjp(step)


def _times_slope(change: Array, x: Array, alpha: Array, width: Array) -> Array:
    """A cotangent or tangent times the slope."""
    # 16 bits are multiplied in float32 and rounded once.
    return (change.astype(alpha.dtype) * triangle(x, alpha, width)).astype(change.dtype)


def _forward(x: Array, alpha: Array, width: Array) -> tuple[Array, tuple[Array, ...]]:
    # Not `step`: a second derivative meets the surrogate here too.
    return spike(x, alpha, width), (x, alpha, width)


def _backward(residuals: tuple[Array, ...], cotangent: Array) -> tuple[Array, None, None]:
    # None is zero: the spikes don't depend on alpha and width.
    return _times_slope(cotangent, *residuals), None, None


spike.defvjp(_forward, _backward)

# The same for forward mode. Before JAX 0.12, a lax.scan that is differentiated
# twice loses this rule, and the result is wrong or 0; a checkpoint protects it.
_spike = jax.custom_jvp(step)
spike_forward_mode = jax.checkpoint(_spike, prevent_cse=False)


@_spike.defjvp
def _pushforward(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    return spike_forward_mode(*primals), _times_slope(tangents[0], *primals)


def integral(x: Array, alpha: Array, width: Array) -> Array:
    """The integral of the triangle from -width to x."""
    x = x.astype(alpha.dtype)
    tail = alpha * relu(width - jnp.abs(x)) ** 2 / 2
    return jnp.where(x < 0, tail, alpha * width**2 - tail)
