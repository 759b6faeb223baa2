"""The mathematics: the step, the triangle and the triangle's integral, in plain ``jax.numpy``.

Computed in the dtype of ``alpha`` and ``width``, but for |x|, which is exact in that of ``x``.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import relu


def step(x: Array, alpha: Array, width: Array) -> Array:
    """1 for x >= 0, 0 for x < 0; NaN where x is NaN or a parameter is not positive and finite."""
    # The spikes are the same for every alpha and width, and still they depend on both, as data:
    # - A bad parameter that is known only while tracing can't raise; it shows as NaN instead.
    # - Under vmap over a parameter the spikes are then batched, as their gradients are. Spikes
    #   that ignored the parameters would stay unbatched, and the one cotangent that all
    #   members of the batch share would be counted once for each of them: the vmap trap.
    potential = x.astype(alpha.dtype)  # which XLA's CPU compares faster than a bfloat16
    fires = (potential >= 0).astype(alpha.dtype)
    # JAX before 0.12 loses the rule of the forward-mode twin where a scan is differentiated twice, and
    # differentiates this instead. NaN, 0 times the infinity, can't be overlooked where 0 could be.
    infinite = (jnp.abs(potential) + 1) * jnp.inf
    spikes = jnp.where(jnp.isnan(potential), infinite, fires)
    return (spikes * _one_or_nan(alpha, width)).astype(x.dtype)


def triangle(x: Array, alpha: Array, width: Array) -> Array:
    """The surrogate gradient: ReLU(alpha * (width - |x|))."""
    alpha, width = _valid_or_nan(alpha, width)
    # |x|, but with derivative 0 at 0: the second derivative is -alpha * sign(x) there as well.
    magnitude = (x * jnp.sign(x)).astype(alpha.dtype)
    # XLA takes a subnormal number for 0. Near the edge of a very narrow triangle width - |x| is one,
    # so it is computed under a lens: a power of 2, and therefore without rounding.
    epsilon = np.finfo(alpha.dtype).eps
    lens = jnp.where(width < epsilon, 1 / epsilon, 1).astype(alpha.dtype)
    # alpha > 0, so it may stand outside the ReLU. It may not be multiplied out: alpha * width
    # and alpha * |x| are each rounded, and near the edge their difference is all rounding.
    return alpha * relu(width * lens - magnitude * lens) / lens


def triangle_integral(x: Array, alpha: Array, width: Array) -> Array:
    """The integral of the triangle from -width to x."""
    alpha, width = _valid_or_nan(alpha, width)
    magnitude = jnp.abs(x).astype(alpha.dtype)
    distance = relu(width - magnitude)
    tail = alpha * distance * distance / 2
    return jnp.where(x < 0, tail, alpha * width * width - tail)


def _one_or_nan(alpha: Array, width: Array) -> Array:
    """1, or NaN where a parameter is bad: a factor, so that derivatives are NaN there too."""
    are_valid = (alpha > 0) & (alpha < jnp.inf) & (width > 0) & (width < jnp.inf)
    one_or_zero = are_valid.astype(alpha.dtype)
    # JAX's search for NaNs is to find those of bad parameters and no other: 0 / 0 is only
    # computed for them, while a NaN to choose from would be there for the good ones as well.
    return one_or_zero / one_or_zero


def _valid_or_nan(alpha: Array, width: Array) -> tuple[Array, Array]:
    factor = _one_or_nan(alpha, width)
    return alpha * factor, width * factor
