"""Laws that hold for all potentials and parameters: Hypothesis looks for exceptions."""

from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings

from relugrad import ReluGrad

# From 2^-30 to 2^30, no product of the three leaves the normal numbers of float32, not even where
# width - |x| is the last place of width.
magnitudes = st.floats(2.0**-30, 2.0**30, width=32)
# In units of the width: half of them lie inside of the support, and some as close to its edge as can be.
edges = [0.0, 1.0, -1.0, 1 - 2.0**-24, 2.0**-24 - 1, 1 + 2.0**-23]
elements = st.floats(-2, 2, width=32, allow_subnormal=False) | st.sampled_from(edges)
units = hnp.arrays(np.float32, 32, elements=elements)
# All that float32 has but NaN.
potentials = hnp.arrays(np.float32, 32, elements=st.floats(width=32, allow_nan=False))

TINY = np.finfo(np.float32).tiny


def values(method: str, x: Any, alpha: float, width: float) -> Any:
    """What a method of a ReluGrad returns, as NumPy's array."""
    return np.asarray(getattr(ReluGrad(alpha, width), method)(x))


@given(unit=units, alpha=magnitudes, width=magnitudes)
def test_the_slope_is_positive_inside_alone(unit: Any, alpha: float, width: float) -> None:
    """However close to the edge."""
    x = unit * np.float32(width)
    np.testing.assert_array_equal(values("surrogate_grad", x, alpha, width) > 0, abs(x) < width)


@given(unit=units, cotangent=potentials, alpha=magnitudes, width=magnitudes)
def test_the_gradient_is_the_cotangent_times_the_slope(
    unit: Any, cotangent: Any, alpha: float, width: float, forward_mode: bool
) -> None:
    """Each at its own x, to the bit; infinity and 0 too."""
    x = unit * np.float32(width)
    _, pullback = jax.vjp(ReluGrad(alpha, width, forward_mode=forward_mode), x)
    with np.errstate(all="ignore"):
        expected = np.where(abs(cotangent) < TINY, 0, cotangent)
        expected = expected * values("surrogate_grad", x, alpha, width)
    expected = np.where(abs(expected) < TINY, 0, expected)  # as XLA on the CPU does
    np.testing.assert_array_equal(pullback(jnp.asarray(cotangent))[0], expected)


@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=15)  # each compiles a program of its own
def test_broadcasting_is_that_of_numpy(shapes: Any, seed: int) -> None:
    """A gradient is summed over what was repeated, so that it has the shape of x."""
    random = np.random.default_rng(seed)
    x, alpha, width = (
        random.uniform(low, 2, shape).astype(np.float32)
        for low, shape in zip([-2, 0.1, 0.1], shapes.input_shapes, strict=True)
    )
    slope = alpha * np.maximum(0, width - np.abs(x))
    axes = range(-slope.ndim, 0)
    repeated = tuple(i for i in axes if -i > x.ndim or (x.shape[i] == 1 != slope.shape[i]))
    spikes, pullback = jax.vjp(ReluGrad(alpha, width), x)
    gradient = pullback(jnp.ones_like(spikes))[0]
    expected = slope.sum(repeated, keepdims=True).reshape(x.shape)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)
