"""Values: spikes, slope and integral are those of the formulas, computed exactly.

The formulas hold for alpha and width as rounded to the dtype. A slope is exact to 1.5 ulp, unless it
or ``width - |x|`` is below the smallest normal number, which XLA may take for 0.
"""

from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from relugrad import ReluGrad, relu_grad

X = np.array([-2.0, -0.5, 0.0, 0.5, 2.0], np.float32)
TINY = np.finfo(np.float32).tiny
# Of these, the slopes next to the edge are normal numbers of float32.
PAIRS = np.exp2(np.random.default_rng(0).uniform(-30, 30, (40, 2))).astype("float32").tolist()

parametrize_halves = pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])


def around(width: float, dtype: Any) -> Any:
    """Points all over the support, and the closest ones to its peak and to its edge."""
    edge = dtype(width)
    inside = edge * (1 - np.geomspace(np.finfo(dtype).eps, 1, 200))
    x = np.append(inside, [np.nextafter(edge, dtype(0)), 0]).astype(dtype)
    return np.append(x, -x)


def beyond(width: float) -> Any:
    """Points outside of the support, from its edge on."""
    edge = np.float32(width)
    x = np.array([edge, np.nextafter(edge, np.float32(np.inf)), 2 * edge, 3e38], np.float32)
    return np.append(x, -x)


def every(dtype: Any) -> tuple[jax.Array, Any]:
    """All the 65,536 values that a 16-bit dtype has, and the same in float32."""
    x = np.arange(2**16, dtype=np.uint16).view(dtype)
    with np.errstate(invalid="ignore"):  # half of the NaNs are signalling
        return jnp.asarray(x), np.where(np.isnan(x), np.float32(np.nan), x.astype(np.float32))


def assert_same(found: Any, expected: Any) -> None:
    """The arrays have one dtype and hold the same values."""
    assert found.dtype == expected.dtype
    wide = np.float32  # NumPy doesn't see that NaN is one in bfloat16
    np.testing.assert_array_equal(found.astype(wide), expected.astype(wide))


# Spikes


def test_zero_spikes_and_nan_stays_nan(forward_mode: bool) -> None:
    """The threshold itself fires, whatever its sign; infinity is far outside of the support."""
    x = jnp.array([0.0, -0.0, -TINY, np.inf, np.nan])
    spikes, pullback = jax.vjp(ReluGrad(forward_mode=forward_mode), x)
    np.testing.assert_array_equal(spikes, [1, 1, 0, 1, np.nan])
    slope = np.array([0.3, 0.3, 0.3, 0, np.nan], np.float32)
    np.testing.assert_array_equal(pullback(jnp.ones(5))[0], slope)
    curvature = jax.vmap(jax.grad(jax.grad(ReluGrad(forward_mode=forward_mode))))(x)
    np.testing.assert_array_equal(curvature, -np.array([0.3, 0.3, -0.3, 0, np.nan], np.float32))


# The slope


def worst_ulp(alpha: float, width: float, dtype: Any) -> float:
    """The largest error of the slope, in units of the exact value's last place."""
    x, a, w = around(width, dtype), dtype(alpha), dtype(width)
    slopes = np.asarray(ReluGrad(a, w).surrogate_grad(x))
    errors = []
    for point, slope in zip(x.tolist(), slopes.tolist(), strict=True):
        exact = Fraction(a.item()) * (Fraction(w.item()) - abs(Fraction(point)))
        unit = Fraction(float(np.spacing(dtype(float(exact)))))
        errors.append(float(abs(Fraction(slope) - exact) / unit))
    return max(errors)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slope_is_within_1_5_ulp(dtype: Any, x64: None) -> None:
    """Against rational arithmetic, near the edge above all."""
    # `alpha * width - alpha * |x|` would be millions of ulp off near these edges.
    pairs = [(3.0, 0.1), (1e30, 1e-30), *PAIRS]
    assert max(worst_ulp(alpha, width, dtype) for alpha, width in pairs) <= 1.5


@parametrize_halves
def test_every_16_bit_value_spikes_and_has_the_slope_of_float32(
    dtype: Any, forward_mode: bool
) -> None:
    """Rounded once. The spike is 1 for x >= 0, 0 for x < 0, NaN for NaN."""
    x, wide = every(dtype)
    spikes, pullback = jax.vjp(ReluGrad(0.3, 1.5, forward_mode=forward_mode), x)
    # XLA on the CPU reads a number below the smallest normal float32 as 0, which spikes.
    expected = np.where(np.isnan(wide), np.nan, wide > -TINY)
    assert_same(spikes, expected.astype(dtype))
    slope = np.float32(0.3) * np.maximum(np.float32(1.5) - np.abs(wide), 0)
    assert_same(pullback(jnp.ones_like(x))[0], slope.astype(dtype))


@parametrize_halves
def test_a_16_bit_cotangent_is_multiplied_in_float32(dtype: Any) -> None:
    """The product is rounded, and not the slope before it."""
    x, cotangent = (jnp.asarray(v, dtype) for v in np.random.default_rng(0).uniform(0, 1, (2, 999)))
    wide_x, wide_cotangent = (np.asarray(v).astype(np.float32) for v in (x, cotangent))
    expected = wide_cotangent * (np.float32(0.3) * (np.float32(1) - wide_x))
    assert_same(jax.vjp(relu_grad, x)[1](cotangent)[0], expected.astype(dtype))


# The integral


@pytest.mark.parametrize(("alpha", "width"), [(1e-30, 1e20), (1e30, 1e-30), *PAIRS[::4]])
def test_integral_is_the_area_under_the_slope(alpha: float, width: float) -> None:
    """To the left of x, in rational arithmetic; although width² alone leaves the range of float32."""
    x = np.append(around(width, np.float32), beyond(width))
    a, w = (Fraction(np.float32(parameter).item()) for parameter in (alpha, width))
    tails = [a * max(w - abs(Fraction(point)), Fraction(0)) ** 2 / 2 for point in x.tolist()]
    areas = [
        float(tail if point < 0 else a * w**2 - tail) for point, tail in zip(x, tails, strict=True)
    ]
    found = ReluGrad(alpha, width).surrogate_fun(x)
    np.testing.assert_allclose(found, areas, rtol=5e-7, atol=float(TINY))
