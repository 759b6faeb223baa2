"""The step, the triangle in place of its derivative, and the rule that joins them."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.lax import ne, select, stop_gradient


def step(x: Array, alpha: Array, width: Array) -> Array:
    """1 for x >= 0, 0 for x < 0, and NaN for NaN."""
    wide = x.astype(alpha.dtype)  # XLA compares 16 bits one by one
    spikes = select(wide >= 0, jnp.ones_like(wide), jnp.zeros_like(wide))
    return select(ne(wide, wide), wide, spikes).astype(x.dtype)  # to XLA, abs(NaN) >= 0 is true


def gap(x: Array, width: Array) -> Array:
    """The distance from x to the edge of the support, and 0 outside of it."""
    x = x.astype(width.dtype)
    # Of |x|, 1 at 0. For NaN, it makes derivatives NaN, where those of jnp.abs and relu aren't.
    sign = stop_gradient(jnp.where(x >= 0, 1, jnp.where(x < 0, -1, x)))
    inside = (width * sign - x) * sign
    return jnp.where(inside <= 0, 0, inside)


def surrogate_grad(x: Array, alpha: Array, width: Array) -> Array:
    """The triangle, in the dtype of alpha and width."""
    return alpha * gap(x, width)  # alpha * width - alpha * |x| would be all rounding at the edge


def surrogate_fun(x: Array, alpha: Array, width: Array) -> Array:
    """The integral of the triangle from -width to x."""
    inside = gap(x, width)
    tail = alpha * inside * inside / 2  # in this order: inside**2 could overflow
    return jnp.where(x < 0, tail, alpha * width * width - tail)


def times_slope(change: Array, x: Array, alpha: Array, width: Array) -> Array:
    """A cotangent or tangent times the triangle."""
    # 16 bits are multiplied in float32 and rounded once.
    return (change.astype(alpha.dtype) * surrogate_grad(x, alpha, width)).astype(change.dtype)


spike = jax.custom_vjp(step)
spike.defvjp(
    # `spike` and not `step`, so that a second derivative meets the surrogate too. Copies,
    # because a lax.scan that is differentiated twice confuses a residual that is an argument
    # with a constant (JAX from 0.6.2 on). None is 0: alpha and width change no spike.
    lambda *primals: (spike(*primals), tuple(map(jnp.copy, primals))),
    lambda residuals, cotangent: (times_slope(cotangent, *residuals), None, None),
)

# The same for forward mode. The inner checkpoint puts the batch axis of vmap
# where the rule has it. The outer one protects the rule, which a lax.scan that
# is differentiated twice loses before JAX 0.12: the result is wrong or 0.
_with_jvp = jax.custom_jvp(jax.checkpoint(step))
spike_jvp = jax.checkpoint(_with_jvp, prevent_cse=False)
_with_jvp.defjvp(lambda p, t: (spike_jvp(*p), times_slope(t[0], *p)))
