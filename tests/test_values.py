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

TINY = np.finfo(np.float32).tiny
# Of these, the slopes next to the edge are normal numbers of float32.
PAIRS = np.exp2(np.random.default_rng(0).uniform(-30, 30, (40, 2))).astype("float32").tolist()

parametrize_halves = pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])


def around(width: float, dtype: Any) -> Any:
    """Points all over the support and outside of it, and the closest ones to its peak and edges."""
    edge = dtype(width)
    inside = edge * (1 - np.geomspace(np.finfo(dtype).eps, 1, 200))
    neighbours = [np.nextafter(edge, dtype(towards)) for towards in (0, np.inf)]
    x = np.array([*inside, 0, edge, *neighbours, 2 * edge, 3e38], dtype)
    return np.append(x, -x)


def gaps(x: Any, width: Any) -> list[Fraction]:
    """The exact distances from x to the edge of the support, and 0 outside of it."""
    return [max(Fraction(width.item()) - abs(Fraction(point)), Fraction(0)) for point in x.tolist()]


def assert_same(found: Any, expected: Any) -> None:
    """The arrays have one dtype and hold the same values."""
    assert found.dtype == expected.dtype
    # NumPy doesn't see that NaN is one in bfloat16
    np.testing.assert_array_equal(*(values.astype(np.float32) for values in (found, expected)))


# Spikes


def test_zero_spikes_whatever_its_sign(forward_mode: bool) -> None:
    """And so do infinity, far outside of the support; NaN does not."""
    x, spike = jnp.array([0.0, -0.0, -TINY, 1, np.inf, np.nan]), ReluGrad(forward_mode=forward_mode)
    results = [jax.jit(jax.vmap(f))(x) for f in (spike, jax.grad(spike), jax.grad(jax.grad(spike)))]
    slope, curvature = [0.3, 0.3, 0.3, 0, 0, np.nan], [-0.3, -0.3, 0.3, 0, 0, np.nan]
    expected = np.array([[1, 1, 0, 1, 1, np.nan], slope, curvature], np.float32)
    np.testing.assert_array_equal(results, expected)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("positive", [abs, jnp.exp, jnp.square, jax.nn.relu])
def test_nan_stays_nan_where_xla_knows_the_sign(
    positive: Any, dtype: str, method: str, forward_mode: bool
) -> None:
    """To XLA, `abs(x) >= 0` is true for any x: of no derivative may a NaN be lost."""

    @jax.jit
    def derivatives(v: Any) -> Any:
        def f(x: Any, width: Any) -> Any:
            return getattr(ReluGrad(0.3, width, forward_mode=forward_mode), method)(x)

        slope = jax.grad(f, (0, 1))
        curvature = jax.grad(lambda *a: slope(*a)[0], (0, 1))
        return f(positive(v), 1.0), slope(positive(v), 1.0), curvature(positive(v), 1.0)

    good, bad = (jax.tree.leaves(derivatives(jnp.asarray(v, dtype))) for v in (0.5, np.nan))
    assert np.isnan(np.array(bad)[np.array(good) != 0]).all()


# The slope


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("alpha", "width"), [(3.0, 0.1), (1e30, 1e-30), *PAIRS])
def test_slope_is_within_1_5_ulp(alpha: float, width: float, dtype: Any, x64: None) -> None:
    """Against rational arithmetic, near the edge above all."""
    # `alpha * width - alpha * |x|` would be millions of ulp off near these edges.
    x, a, w = around(width, dtype), dtype(alpha), dtype(width)
    slopes = np.asarray(ReluGrad(a, w).surrogate_grad(x)).tolist()
    for slope, gap in zip(slopes, gaps(x, w), strict=True):
        exact = Fraction(a.item()) * gap
        unit = Fraction(float(np.spacing(dtype(float(exact)))))
        assert abs(Fraction(slope) - exact) / unit <= 1.5


@parametrize_halves
def test_every_16_bit_value_spikes_and_has_its_slope(dtype: Any, forward_mode: bool) -> None:
    """That of float32, rounded once. The spike is 1 for x >= 0, 0 for x < 0, NaN for NaN."""
    x = np.arange(2**16, dtype=np.uint16).view(dtype)
    with np.errstate(invalid="ignore"):  # half of the NaNs are signalling
        wide = np.where(np.isnan(x), np.float32(np.nan), x.astype(np.float32))
    spikes, pullback = jax.vjp(ReluGrad(0.3, 1.5, forward_mode=forward_mode), jnp.asarray(x))
    # XLA on the CPU reads a number below the smallest normal float32 as 0, which spikes.
    assert_same(spikes, np.where(np.isnan(wide), np.nan, wide > -TINY).astype(dtype))
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
    x = around(width, np.float32)
    tails = [Fraction(np.float32(alpha).item()) * gap**2 / 2 for gap in gaps(x, np.float32(width))]
    half = max(tails)  # at the peak
    areas = [tail if point < 0 else 2 * half - tail for point, tail in zip(x, tails, strict=True)]
    integral = ReluGrad(alpha, width).surrogate_fun(x)
    np.testing.assert_allclose(integral, np.array(areas, float), rtol=5e-7, atol=float(TINY))
