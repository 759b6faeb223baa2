"""The mathematics: the step, the triangle and the triangle's integral, in plain ``jax.numpy``.

``x`` keeps its own dtype; the slope and its integral are computed in the dtype of ``alpha`` and ``width``.
"""

import jax.numpy as jnp
from jax import Array
from jax.nn import relu


def step(x: Array, alpha: Array, width: Array) -> Array:
    """1 for x >= 0, 0 for x < 0; NaN where x is NaN or a parameter is not positive and finite."""
    # The spikes are the same for every alpha and width, and still they depend on both, as data:
    # - A bad parameter that is known only while tracing can't raise; it shows as NaN instead.
    # - Under vmap over a parameter the spikes are then batched, as their gradients are. Spikes
    #   that ignored the parameters would stay unbatched, and the one cotangent that all
    #   members of the batch share would be counted once for each of them: the vmap trap.
    meaningful = _is_valid(alpha) & _is_valid(width) & ~jnp.isnan(x)
    return jnp.where(meaningful, (x >= 0).astype(x.dtype), jnp.nan)


def triangle(x: Array, alpha: Array, width: Array) -> Array:
    """The surrogate gradient: ReLU(alpha * (width - |x|))."""
    magnitude = jnp.abs(x).astype(alpha.dtype)
    # alpha > 0, so it may stand outside the ReLU. It may not be multiplied out: alpha * width
    # and alpha * |x| are each rounded, and near the edge their difference is all rounding.
    return _valid_or_nan(alpha) * relu(_valid_or_nan(width) - magnitude)


def triangle_integral(x: Array, alpha: Array, width: Array) -> Array:
    """The integral of the triangle from -width to x."""
    x, alpha, width = x.astype(alpha.dtype), _valid_or_nan(alpha), _valid_or_nan(width)
    # Spelled out, because of two derivatives: jnp.abs has 0 at 0, where the triangle peaks, and
    # relu has 0 at NaN.
    remaining = jnp.where(x < 0, width + x, width - x)
    tail = alpha * jnp.where(remaining <= 0, 0, remaining) ** 2 / 2
    return jnp.where(x < 0, tail, alpha * width**2 - tail)


def _is_valid(parameter: Array) -> Array:
    return (parameter > 0) & (parameter < jnp.inf)


def _valid_or_nan(parameter: Array) -> Array:
    # Multiplied, not selected, so that the derivative with respect to a bad parameter is NaN too.
    return parameter * jnp.where(_is_valid(parameter), 1, jnp.nan).astype(parameter.dtype)
