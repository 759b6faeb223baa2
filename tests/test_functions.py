"""The mathematics of `_functions.py`, against exact and independent arithmetic."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from relugrad._autodiff import integral
from relugrad._functions import step, triangle, triangle_integral

from relugrad import ReluGrad, relu_grad

FUNCTIONS = [step, triangle, triangle_integral]
X = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
# The second pair is the one where `alpha * width - alpha * |x|` is millions of ulp off.
PAIRS = [(0.3, 1.0), (3.0, 0.1), (0.7, 2.5), (1e-3, 1e3), (1e3, 1e-3), (1e-30, 1e30), (1e30, 1e-30)]
BAD = [0.0, -0.0, -1.0, jnp.nan, jnp.inf, -jnp.inf]
HALVES = [jnp.float16, jnp.bfloat16]

parametrize_pairs = pytest.mark.parametrize(("alpha", "width"), PAIRS)
parametrize_halves = pytest.mark.parametrize("dtype", HALVES, ids=["float16", "bfloat16"])


def near(width: float, dtype: Any) -> Any:
    """Points all over the support and beyond, and the closest ones to its peak and its edge."""
    random = np.random.default_rng(0).uniform(-1.5, 1.5, 500)
    edge = dtype(width)
    inside = edge * (1 - np.geomspace(np.finfo(dtype).eps, 0.1, 100))
    closest = [np.nextafter(edge, dtype(0)), np.nextafter(edge, dtype(np.inf)), edge, 0, -0.0]
    x = np.concatenate([random * width, inside, -inside, closest]).astype(dtype)
    return x[np.abs(x) <= 1.5 * edge]


def every(dtype: Any) -> tuple[jax.Array, Any]:
    """All the 65,536 values that a 16-bit dtype has, and the same in float32."""
    x = np.arange(2**16, dtype=np.uint16).view(dtype)
    with np.errstate(invalid="ignore"):  # half of the NaNs are signalling
        return jnp.asarray(x), np.where(np.isnan(x), np.float32(np.nan), x.astype(np.float32))


def worst_ulp(alpha: float, width: float, dtype: Any) -> float:
    """The largest error of the slope near the support, in units of the exact value's last place."""
    x, a, w = near(width, dtype), dtype(alpha), dtype(width)
    slope = np.asarray(triangle(jnp.asarray(x), jnp.asarray(a), jnp.asarray(w)))
    assert slope.dtype == dtype
    errors = []
    for point, got in zip(x.tolist(), slope.tolist(), strict=True):
        exact = max(Fraction(0), Fraction(a.item()) * (Fraction(w.item()) - abs(Fraction(point))))
        place = Fraction(float(np.spacing(dtype(float(exact)))))
        errors.append(float(abs(Fraction(got) - exact) / place))
    return max(errors)


def same_bits(one: Any, other: Any) -> bool:
    """Whether the arrays hold the same values: NaN equals NaN, and 0 differs from -0."""
    one, other = np.asarray(one), np.asarray(other)
    nan = np.isnan(one) & np.isnan(other)
    bits = f"u{one.dtype.itemsize}"
    return one.dtype == other.dtype and bool(np.all(nan | (one.view(bits) == other.view(bits))))


def test_promise_01_values_of_the_reference_page() -> None:
    """The page's x, alpha and width give the page's spikes and gradients."""
    alpha, width = jnp.float32(0.3), jnp.float32(1.0)
    np.testing.assert_array_equal(step(X, alpha, width), [0, 0, 1, 1, 1])
    np.testing.assert_allclose(triangle(X, alpha, width), [0, 0.15, 0.3, 0.15, 0], rtol=1e-7)


def test_promise_01_zero_spikes_whatever_its_sign() -> None:
    """0 and -0 are both at the threshold, and the next normal number below is not."""
    x = jnp.array([0.0, -0.0, -np.finfo(np.float32).tiny])
    np.testing.assert_array_equal(step(x, jnp.float32(1), jnp.float32(1)), [1, 1, 0])


@parametrize_halves
def test_promise_01_every_16_bit_value_spikes_by_the_definition(dtype: Any) -> None:
    """1 for x >= 0, 0 for x < 0, NaN for NaN."""
    x, wide = every(dtype)
    # XLA on the CPU reads a number below the smallest normal float32 as 0, which spikes.
    spiking = wide > -np.finfo(np.float32).tiny
    expected = np.where(np.isnan(wide), np.nan, spiking).astype(dtype)
    assert same_bits(step(x, jnp.float32(1), jnp.float32(1)), expected)


@parametrize_pairs
def test_promise_02_slope_is_within_1_5_ulp_in_float32(alpha: float, width: float) -> None:
    """Against rational arithmetic, near the edge above all."""
    assert worst_ulp(alpha, width, np.float32) <= 1.5


@parametrize_pairs
def test_promise_02_slope_is_within_1_5_ulp_in_float64(
    alpha: float, width: float, x64: None
) -> None:
    """Against rational arithmetic, near the edge above all."""
    assert worst_ulp(alpha, width, np.float64) <= 1.5


@parametrize_pairs
def test_promise_02_slope_is_positive_inside_and_0_from_the_edge_on(
    alpha: float, width: float
) -> None:
    """Also at the last float32 before the edge, and at the edge itself."""
    edge = np.float32(width)
    inside = np.append(np.linspace(0, 0.999, 101, dtype=np.float32), 0) * edge
    inside[-1] = np.nextafter(edge, np.float32(0))
    outside = np.array([edge, np.nextafter(edge, np.float32(np.inf)), edge * 2, 3e38], np.float32)
    for sign in (1, -1):
        parameters = jnp.float32(alpha), jnp.float32(width)
        assert np.all(np.asarray(triangle(jnp.asarray(sign * inside), *parameters)) > 0)
        assert same_bits(triangle(jnp.asarray(sign * outside), *parameters), 0 * outside)


@parametrize_halves
@pytest.mark.parametrize(("alpha", "width"), [(0.3, 1.0), (3.0, 0.1), (0.7, 100.0)])
def test_promise_02_every_16_bit_slope_is_float32_rounded_once(
    dtype: Any, alpha: float, width: float
) -> None:
    """The slope, the gradient of the spikes in both modes, eager and jitted: the same bits."""
    x, wide = every(dtype)
    a, w = np.float32(alpha), np.float32(width)
    expected = (a * np.maximum(w - np.abs(wide), 0)).astype(dtype)
    surrogate = ReluGrad(alpha, width)

    def gradient(x: jax.Array, forward_mode: bool) -> Any:
        return jax.grad(lambda x: relu_grad(x, a, w, forward_mode=forward_mode).sum())(x)

    slopes: list[Callable[[jax.Array], Any]] = [
        surrogate.surrogate_grad,
        lambda x: gradient(x, False),
        lambda x: gradient(x, True),
    ]
    for slope in slopes:
        assert same_bits(slope(x), expected)
        assert same_bits(jax.jit(slope)(x), expected)


@parametrize_halves
def test_promise_02_a_16_bit_cotangent_is_multiplied_in_float32(dtype: Any) -> None:
    """Cotangent times slope is rounded once, not the slope first and then the product."""
    x, cotangent = (jnp.asarray(v, dtype) for v in np.random.default_rng(0).uniform(0, 1, (2, 999)))
    one, other = (np.asarray(v).astype(np.float32) for v in (x, cotangent))
    expected = (other * (np.float32(0.3) * (np.float32(1) - one))).astype(dtype)

    def pull(x: jax.Array, cotangent: jax.Array) -> Any:
        return jax.vjp(relu_grad, x)[1](cotangent)[0]

    assert same_bits(pull(x, cotangent), expected)
    assert same_bits(jax.jit(pull)(x, cotangent), expected)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", ["alpha", "width"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_promise_04_a_parameter_without_meaning_is_nan_everywhere(
    function: Callable[..., jax.Array], name: str, bad: float
) -> None:
    """Far outside the support too, where a good parameter's slope is 0."""
    parameters = {"alpha": jnp.float32(1), "width": jnp.float32(1), name: jnp.float32(bad)}
    assert np.all(np.isnan(function(jnp.array([-9.0, 0.0, 9.0]), **parameters)))


@pytest.mark.parametrize("name", ["alpha", "width"])
@pytest.mark.parametrize("function", [triangle, triangle_integral])
def test_promise_04_the_derivative_by_a_parameter_without_meaning_is_nan(
    function: Callable[..., jax.Array], name: str
) -> None:
    """Else an optimiser would walk on from it as if nothing had happened."""
    good = {"alpha": jnp.float32(1), "width": jnp.float32(1)}
    for x in (-9.0, 0.5, 9.0):
        gradient = jax.grad(lambda value, x=x: function(jnp.float32(x), **{**good, name: value}))
        assert np.isnan(gradient(jnp.float32(-1)))


@pytest.mark.parametrize(
    ("function", "at_minus_infinity", "at_infinity"),
    [(step, 0, 1), (triangle, 0, 0), (triangle_integral, 0, 2)],
)
def test_promise_05_nan_stays_nan_and_infinity_is_far_outside(
    function: Callable[..., jax.Array], at_minus_infinity: float, at_infinity: float
) -> None:
    """NaN in, NaN out; at infinity the limits."""
    x = jnp.array([jnp.nan, -jnp.inf, jnp.inf])
    y = function(x, jnp.float32(0.5), jnp.float32(2))
    np.testing.assert_array_equal(y, [np.nan, at_minus_infinity, at_infinity])


@pytest.mark.parametrize("function", [triangle, integral])
def test_promise_05_the_derivative_at_nan_is_nan_and_at_infinity_0(
    function: Callable[..., jax.Array],
) -> None:
    """A ReLU alone would stop a NaN here: its own derivative at NaN is 0."""
    gradient = jax.vmap(lambda x: jax.grad(function)(x, jnp.float32(0.5), jnp.float32(2)))
    x = jnp.array([jnp.nan, -jnp.inf, jnp.inf])
    np.testing.assert_array_equal(gradient(x), [np.nan, 0, 0])


@parametrize_pairs
def test_promise_10_integral_is_the_area_under_the_slope(alpha: float, width: float) -> None:
    """Against the area of the triangle left of x, in rational arithmetic."""
    x = near(width, np.float32)
    a, w = np.float32(alpha), np.float32(width)
    y = triangle_integral(jnp.asarray(x), jnp.asarray(a), jnp.asarray(w))
    wide, exact = Fraction(w.item()), []
    for point in map(Fraction, x.tolist()):
        tail = Fraction(a.item()) * max(Fraction(0), wide - abs(point)) ** 2 / 2
        exact.append(float(tail if point < 0 else Fraction(a.item()) * wide**2 - tail))
    np.testing.assert_allclose(y, exact, rtol=5e-7, atol=float(np.finfo(np.float32).tiny))


@parametrize_pairs
def test_promise_10_integral_at_the_edges_and_at_0(alpha: float, width: float) -> None:
    """0 on the left, alpha * width² / 2 at 0, alpha * width² on the right."""
    x = jnp.float32(width) * jnp.array([-9.0, -1.0, -0.0, 0.0, 1.0, 9.0])
    y = triangle_integral(x, jnp.float32(alpha), jnp.float32(width))
    expected = alpha * width**2 * np.array([0, 0, 0.5, 0.5, 1, 1])
    np.testing.assert_allclose(y, expected, rtol=5e-7)


@pytest.mark.parametrize("name", ["alpha", "width"])
def test_promise_10_derivative_of_the_integral_is_as_loud_as_the_slope(name: str) -> None:
    """NaN for a parameter without meaning, far outside the support too."""
    parameters = {"alpha": jnp.float32(1), "width": jnp.float32(1), name: jnp.float32(-1)}
    for x in (-9.0, 0.5, 9.0):
        assert np.isnan(jax.grad(lambda x: integral(x, *parameters.values()))(jnp.float32(x)))


@parametrize_pairs
def test_promise_10_derivative_of_the_integral_is_the_slope(alpha: float, width: float) -> None:
    """At 0 and at the edge too, where a careless |x| has none."""
    x, parameters = jnp.asarray(near(width, np.float32)), (jnp.float32(alpha), jnp.float32(width))
    gradient = jax.vmap(lambda x: jax.grad(integral)(x, *parameters))(x)
    np.testing.assert_array_equal(gradient, triangle(x, *parameters))
