"""The surrogates of the experiments: ours, other shapes, and anybody's, at each peak and half-width.

The half-width is the distance from the threshold at which a slope has fallen to half of its peak.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from relugrad import ReluGrad

Spike = Callable[[Array], Any]  # of x, the membrane potential minus the threshold
Surrogate = Callable[[Any, Any], Spike]  # of a peak and a half-width


def triangle(peak: Any, half: Any) -> Spike:
    """Ours."""
    return ReluGrad(alpha=peak / (2 * half), width=2 * half)


def slope_of(spike: Spike, x: Array) -> Any:
    """The surrogate gradient, of whatever has one."""
    value, pull_back = jax.vjp(spike, x)
    (slope,) = pull_back(jnp.ones_like(value))
    return slope


def with_slope(slope: Callable[[Array], Array]) -> Spike:
    """A step that is differentiated with this slope."""

    @jax.custom_vjp
    def spike(x: Array) -> Array:
        return (x >= 0).astype(x.dtype)

    spike.defvjp(lambda x: (spike(x), x), lambda x, cotangent: (cotangent * slope(x),))
    return spike


def stretched(spike: Spike) -> Surrogate:
    """A spike function at each peak and half-width, whatever its own parameters are."""
    x = jnp.exp2(jnp.linspace(-10, 10, 20481)).at[0].set(0)
    slopes = (slope_of(spike, x) + slope_of(spike, -x)) / 2
    low = slopes <= slopes[0] / 2
    if not (spike(x[1:]) == 1).all() or (spike(-x[1:]) != 0).any():
        raise ValueError("it must return 1 above the threshold, where x > 0, and 0 below")
    if not 0 < slopes[0] < jnp.inf or not low.any():
        raise ValueError("its slope must have a peak at x = 0, and fall to half of the peak")
    own_peak, own_half = slopes[0], x[low.argmax()]

    def surrogate(peak: Any, half: Any) -> Spike:
        def stretched_spike(x: Array) -> Any:
            s = spike(x * (own_half / half))
            factor = peak * half / (own_peak * own_half)
            return s + (factor - 1) * (s - jax.lax.stop_gradient(s))  # of the gradient alone

        return stretched_spike

    return surrogate


SHAPES: dict[Any, Surrogate] = {  # beside the triangle
    "fast sigmoid": stretched(with_slope(lambda x: (1 + abs(x)) ** -2)),
    "arctan": stretched(with_slope(lambda x: 1 / (1 + x**2))),
    "Gaussian": stretched(with_slope(lambda x: jnp.exp(-(x**2)))),
    "rectangle": stretched(with_slope(lambda x: (abs(x) < 0.5).astype(x.dtype))),
}
