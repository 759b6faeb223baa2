"""The step, the triangle in place of its derivative, and the rules that join them."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.lax import eq, ne, select, stop_gradient


def step(x: Array, alpha: Array, width: Array) -> Array:
    """1 for x >= 0, 0 for x < 0, and NaN for NaN; alpha and width are what its rules need."""
    wide = x.astype(alpha.dtype)  # on CPUs, 16 bits would be compared one by one
    # Not by astype: in JAX 0.11 and 0.12, an unrolled loop would compile for minutes on a CPU, until
    # the bug of docs/reports/unrolled-loops.md is fixed.
    spikes = select(wide >= 0, jnp.ones_like(wide), jnp.zeros_like(wide))
    spikes = select(ne(wide, wide), wide, spikes)  # not by >=: XLA takes abs(NaN) >= 0 for true
    return spikes.astype(x.dtype)


def distance_to_edge(x: Array, width: Array) -> Array:
    """How far x is inside of the support, and 0 outside of it."""
    x = x.astype(width.dtype)
    # Unlike jnp.abs and relu, these have the right-hand derivative at 0, and NaN at NaN.
    sign = stop_gradient(jnp.where(x < 0, -1, jnp.where(eq(x, x), 1, x)))
    distance = (width * sign - x) * sign
    return jnp.where(distance <= 0, 0, distance)


def surrogate_grad(x: Array, alpha: Array, width: Array) -> Array:
    """The triangle, in the dtype of alpha and width."""
    return alpha * distance_to_edge(x, width)  # alpha * width - alpha * |x| is inexact at the edge


def surrogate_fun(x: Array, alpha: Array, width: Array) -> Array:
    """The integral of the triangle from -width to x."""
    distance = distance_to_edge(x, width)
    tail = alpha * distance * distance / 2  # in this order: distance**2 could overflow
    return jnp.where(x < 0, tail, alpha * width * width - tail)


def times_slope(change: Array, x: Array, alpha: Array, width: Array) -> Array:
    """A cotangent or tangent times the triangle, rounded once to its own dtype."""
    return (change.astype(alpha.dtype) * surrogate_grad(x, alpha, width)).astype(change.dtype)


def spike_fwd(x: Array, alpha: Array, width: Array) -> tuple[Array, tuple[Array, ...]]:
    """The spikes, and what the backward pass needs."""
    # Copies: without them, where a scan is differentiated twice, JAX from 0.6.2 on takes a constant
    # for a residual, and the second derivative is silently wrong, until the bug of
    # docs/reports/scan-custom-vjp-residuals.md is fixed. spike, so that it meets the triangle, too.
    return spike(x, alpha, width), (jnp.copy(x), jnp.copy(alpha), jnp.copy(width))


def spike_bwd(residuals: tuple[Array, ...], cotangent: Array) -> tuple[Array, None, None]:
    """The gradients of x, alpha and width: the last two are 0, as they change no spike."""
    return times_slope(cotangent, *residuals), None, None


def spike_jvp(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    """The spikes, and how they change with x; alpha and width change no spike."""
    tangent, _, _ = tangents
    return spike_forward_mode(*primals), times_slope(tangent, *primals)


spike = jax.custom_vjp(step)
spike.defvjp(spike_fwd, spike_bwd)

# In forward mode, a checkpoint takes the place of the copies. Without it, JAX before 0.12 loses the
# rule of a custom_jvp where a scan is differentiated twice: derivatives are 0.
_spike_with_jvp = jax.custom_jvp(step)
spike_forward_mode = jax.checkpoint(_spike_with_jvp, prevent_cse=False)
_spike_with_jvp.defjvp(spike_jvp)
