"""Check ReluGrad on every float32 that there is.

For each pair of alpha and width, and each of the 2**32 bit patterns x:

- The spike is 1 for x >= 0, 0 for x < 0 and NaN for NaN.
- The gradient that ``jax.vjp`` returns is the slope, and the slope is even, bit for bit.
- The slope is within 1.5 ulp of the exact value inside of the support, 0 from its edge on, and NaN
  for NaN.

XLA on the CPU takes x for 0 where it is subnormal, so negative subnormals may spike.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from numpy.testing import assert_array_equal

from relugrad import ReluGrad

# With none of them, the slope inside or what it is made of is below the smallest normal number.
PAIRS = [(0.3, 1.0), (3.0, 0.1), (1e30, 1e-30)]
CHUNK = 2**20
SMALLEST_NORMAL = np.finfo(np.float32).tiny


@jax.jit
def outputs(spike: ReluGrad, x: Array) -> tuple[Array, Array, Array]:
    """Spikes, gradients and slopes."""
    spikes, pullback = jax.vjp(spike, x)
    return spikes, *pullback(jnp.ones_like(spikes)), spike.surrogate_grad(x)


def ulps(slopes: Any, x: Any, alpha: float, width: float) -> Any:
    """The distance of slopes from the exact ones, in units of the exact value's last place.

    In float64, a difference and a product of float32 are rounded once each, which is 2**-27 ulp of a
    float32 at most. Where that rounds up to a power of 2, the unit is the one below.
    """
    exact = np.float64(np.float32(alpha)) * (np.float64(np.float32(width)) - x)
    _, exponent = np.frexp(exact * (1 - 2.0**-51))
    return abs(slopes - exact) / np.ldexp(1.0, exponent - 24)


@pytest.mark.parametrize(("alpha", "width"), PAIRS)
def test_every_float(alpha: float, width: float) -> None:
    """All values and their negatives."""
    spike = ReluGrad(alpha, width)
    for start in range(0, 2**31, CHUNK):
        x = np.arange(start, start + CHUNK, dtype=np.uint32).view(np.float32)
        spikes, gradients, slopes = map(np.asarray, outputs(spike, x))
        spikes_below, gradients_below, slopes_below = map(np.asarray, outputs(spike, -x))
        nan, normal, outside = np.isnan(x), x >= SMALLEST_NORMAL, x >= np.float32(width)
        assert_array_equal(spikes, np.where(nan, np.nan, 1))
        assert_array_equal(spikes_below[x == 0], 1)
        assert_array_equal(spikes_below[normal], 0)
        assert np.isnan(spikes_below[nan]).all()
        assert np.isnan(slopes[nan]).all()
        assert_array_equal(slopes[outside], 0)
        for others in (gradients, gradients_below, slopes_below):
            assert_array_equal(others[~nan].view(np.uint32), slopes[~nan].view(np.uint32))
            assert np.isnan(others[nan]).all()
        inside = ~(nan | outside)
        assert (ulps(slopes[inside], np.where(normal, x, 0)[inside], alpha, width) <= 1.5).all()
