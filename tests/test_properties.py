"""What holds for every membrane potential, alpha and width: Hypothesis looks for exceptions."""

import collections
import datetime
import decimal
import fractions
import ipaddress
import numbers
import os
import random
import re
import types
import typing
import uuid
import zoneinfo
from collections import abc
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings

from relugrad import ReluGrad, relu_grad

Function = Callable[..., Any]

TINY = np.finfo(np.float32).tiny
# From 2^-30 to 2^30 no product of the three leaves the normal numbers of float32, even where
# width - |x| is the last place of width.
magnitudes = st.floats(2.0**-30, 2.0**30, width=32)
one = np.float32(1)
edges = [0.0, 1.0, np.nextafter(one, np.float32(0)), np.nextafter(one, np.float32(2))]
# Membrane potentials in units of the width, so that half of them lie inside of the support.
units = hnp.arrays(
    np.float32,
    32,
    elements=st.floats(-2, 2, width=32, allow_subnormal=False)
    | st.sampled_from([sign * float(edge) for edge in edges for sign in (1, -1)]),
)
powers_of_two = st.integers(-10, 10).map(lambda exponent: 2.0**exponent)
# Everything that float32 has: infinity, NaN and subnormal numbers too.
potentials = hnp.arrays(np.float32, 32, elements=st.floats(width=32))
normal = st.floats(float(TINY), float(np.finfo(np.float32).max), width=32)

parametrize_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
parametrize_modes = pytest.mark.parametrize(
    "forward_mode", [False, True], ids=["custom_vjp", "custom_jvp"]
)


def gradient(function: Function, x: Any, cotangent: Any = 1) -> Any:
    """Pull a cotangent back through a function of x."""
    return jax.grad(lambda x: (function(x) * cotangent).sum())(x)


def slopes(alpha: float, width: float) -> list[Function]:
    """List the slope, and the two gradients that use it."""
    modes = [ReluGrad(alpha, width, forward_mode=mode) for mode in (False, True)]
    return [modes[0].surrogate_grad, *(lambda x, f=f: gradient(f, x) for f in modes)]


def places(count: float, of: Any, dtype: Any = np.float32) -> Any:
    """So many units in the last place of a number."""
    return count * float(np.finfo(dtype).eps) * of


# The shape of the triangle


@pytest.mark.usefixtures("x64")
@parametrize_dtypes
@given(unit=units, alpha=magnitudes, width=magnitudes)
def test_slope_is_even_and_its_integral_symmetric_about_the_threshold(
    dtype: Any, unit: Any, alpha: float, width: float
) -> None:
    """To the bit; the integral falls short of its half on the left by what it exceeds it on the right."""
    x = unit.astype(dtype) * dtype(width)
    for slope in slopes(alpha, width):
        np.testing.assert_array_equal(slope(-x), slope(x))
    integral, area = ReluGrad(alpha, width).surrogate_fun, alpha * width**2
    both = np.asarray(integral(x)) + np.asarray(integral(-x))
    np.testing.assert_allclose(both, area, rtol=places(4, 1, dtype))


@given(x=potentials, alpha=magnitudes, width=magnitudes)
def test_spikes_are_monotone(x: Any, alpha: float, width: float) -> None:
    """0, and from the threshold on 1; the smooth step climbs as well."""
    x = np.sort(np.append(np.nan_to_num(x, posinf=np.inf, neginf=-np.inf), [-np.inf, np.inf]))
    surrogate = ReluGrad(alpha, width)
    spikes, integral = np.asarray(surrogate(x)), np.asarray(surrogate.surrogate_fun(x))
    assert set(spikes.tolist()) == {0, 1}
    assert integral[0] == 0
    assert integral[-1] == pytest.approx(alpha * width**2)
    for y in (spikes, integral):
        assert np.all(np.diff(y) >= 0)


@pytest.mark.usefixtures("x64")
@parametrize_dtypes
@given(unit=units, alpha=magnitudes, width=magnitudes)
def test_support_is_where_x_is_nearer_than_the_width(
    dtype: Any, unit: Any, alpha: float, width: float
) -> None:
    """Positive inside, however close to the edge; 0 outside; highest at the threshold."""
    x = unit.astype(dtype) * dtype(width)
    for slope in slopes(alpha, width):
        y = np.asarray(slope(x))
        np.testing.assert_array_equal(y > 0, np.abs(x) < width)
        assert np.all((y >= 0) & (y <= np.asarray(slope(dtype(0)))))
        assert slope(dtype(0)) == dtype(alpha) * dtype(width)


# Scaling


@pytest.mark.parametrize(
    ("method", "degree"), [("__call__", 0), ("surrogate_grad", 1), ("surrogate_fun", 2)]
)
@pytest.mark.usefixtures("x64")
@parametrize_dtypes
@given(unit=units, alpha=magnitudes, width=magnitudes, factor=powers_of_two | st.floats(0.1, 10))
def test_scaling_x_and_width_together(
    method: str, degree: int, dtype: Any, unit: Any, alpha: float, width: float, factor: float
) -> None:
    """slope(c x; alpha, c width) = c slope(x; alpha, width), and so for spikes and integral."""
    x, factor = unit.astype(dtype) * dtype(width), dtype(factor)
    scaled = getattr(ReluGrad(alpha, dtype(width) * factor), method)(x * factor)
    expected = np.asarray(getattr(ReluGrad(alpha, width), method)(x)) * factor**degree
    is_exact = np.frexp(factor)[0] == 0.5 or method == "__call__"
    # Else c x and c width are rounded: each to half a place of the width, whatever is left
    # between them.
    peak = alpha * width**degree * float(factor) ** degree
    np.testing.assert_allclose(
        scaled, expected, rtol=0, atol=0 if is_exact else places(8, peak, dtype)
    )


@pytest.mark.parametrize("method", ["surrogate_grad", "surrogate_fun"])
@given(unit=units, alpha=magnitudes, width=magnitudes, factor=powers_of_two | st.floats(0.1, 10))
def test_scaling_alpha(method: str, unit: Any, alpha: float, width: float, factor: float) -> None:
    """The slope and its integral are proportional to it."""
    x = unit * np.float32(width)
    scaled = getattr(ReluGrad(alpha * factor, width), method)(x)
    expected = factor * np.asarray(getattr(ReluGrad(alpha, width), method)(x))
    is_exact = np.frexp(factor)[0] == 0.5
    atol = 0 if is_exact else places(4, alpha * factor * width**2)  # of a difference of areas
    np.testing.assert_allclose(scaled, expected, rtol=0 if is_exact else places(4, 1), atol=atol)


@pytest.mark.usefixtures("x64")
@parametrize_dtypes
@given(alpha=magnitudes, width=magnitudes)
def test_area_is_alpha_times_width_squared(dtype: Any, alpha: float, width: float) -> None:
    """By the smooth step, and by adding up strips: the midpoint rule is exact for straight lines."""
    borders = np.linspace(-2, 2, 65).astype(dtype) * dtype(width)  # 0 and the edges among them
    surrogate = ReluGrad(alpha, width)
    middles = (borders[1:] + borders[:-1]) / 2
    strips = np.diff(borders).astype(np.float64) * np.asarray(surrogate.surrogate_grad(middles))
    area = alpha * width**2
    assert strips.sum() == pytest.approx(area, rel=places(8, 1, dtype))
    assert float(surrogate.surrogate_fun(dtype(np.inf))) == pytest.approx(
        area, rel=places(2, 1, dtype)
    )
    np.testing.assert_allclose(
        surrogate.surrogate_fun(borders[1:]), np.cumsum(strips), atol=places(8, area, dtype)
    )


# The cotangent


@parametrize_modes
@given(
    unit=units,
    alpha=magnitudes,
    width=magnitudes,
    cotangents=hnp.arrays(np.int32, (2, 32), elements=st.integers(-(10**6), 10**6)),
    factor=powers_of_two,
)
def test_gradient_is_linear_in_the_cotangent(
    forward_mode: bool, unit: Any, alpha: float, width: float, cotangents: Any, factor: float
) -> None:
    """Each is weighed by the slope at its own x, and by nothing else."""
    x, surrogate = unit * np.float32(width), ReluGrad(alpha, width, forward_mode=forward_mode)
    slope, (one, other) = np.asarray(surrogate.surrogate_grad(x)), cotangents.astype(np.float32)

    def pull(cotangent: Any) -> Any:
        return np.asarray(gradient(surrogate, x, cotangent))

    np.testing.assert_array_equal(pull(0 * one), 0)
    np.testing.assert_array_equal(pull(-one), -pull(one))
    np.testing.assert_array_equal(pull(np.float32(factor) * one), np.float32(factor) * pull(one))
    np.testing.assert_allclose(
        pull(one + other),
        pull(one) + pull(other),
        rtol=0,
        atol=places(2, alpha * width * (np.abs(one) + np.abs(other)).max()),
    )
    np.testing.assert_array_equal(pull(one), one * slope)


# Agreement


def any_are_mapped(in_axes: tuple[int | None, ...]) -> bool:
    """Tell whether vmap has something to do."""
    return set(in_axes) != {None}


@given(x=potentials, cotangent=potentials, alpha=normal, width=normal)
def test_custom_vjp_and_forward_mode_agree(
    x: Any, cotangent: Any, alpha: float, width: float
) -> None:
    """To the bit, whatever comes in: spikes, pullbacks, pushforwards and second derivatives."""
    reverse, forward = (ReluGrad(alpha, width, forward_mode=mode) for mode in (False, True))
    np.testing.assert_array_equal(reverse(x), forward(x))
    pulled = gradient(reverse, x, cotangent)
    np.testing.assert_array_equal(pulled, gradient(forward, x, cotangent))
    pushed = jax.jvp(forward, (x,), (jnp.asarray(cotangent),))[1]
    np.testing.assert_array_equal(pulled, pushed)
    # Of the square, so that the second derivative also meets the first.
    squares = [lambda x, f=f: gradient(lambda x: f(x) ** 2, x) for f in (reverse, forward)]
    np.testing.assert_array_equal(*(gradient(slope, x, cotangent) for slope in squares))


@given(forward_mode=st.booleans(), x=potentials, cotangent=potentials, alpha=normal, width=normal)
@settings(max_examples=20)  # without a jit, each operation is dispatched on its own
def test_eager_and_jit_agree(
    forward_mode: bool, x: Any, cotangent: Any, alpha: float, width: float
) -> None:
    """To the bit, with parameters that are known while compiling and that are not."""

    def spikes_and_gradient(x: Any, alpha: Any, width: Any) -> Any:
        surrogate = ReluGrad(alpha, width, forward_mode=forward_mode)
        return surrogate(x), gradient(surrogate, x, cotangent)

    eager = spikes_and_gradient(x, alpha, width)
    others = [
        jax.jit(spikes_and_gradient)(x, alpha, width),
        jax.jit(lambda x: spikes_and_gradient(x, alpha, width))(x),
    ]
    with jax.disable_jit():
        others.append(spikes_and_gradient(x, alpha, width))
    for other in others:
        jax.tree.map(np.testing.assert_array_equal, eager, other)


@given(
    forward_mode=st.booleans(),
    in_axes=st.tuples(*[st.sampled_from([None, 0, 1, -1])] * 3).filter(any_are_mapped),
    out_axes=st.integers(-2, 1),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=30)  # each compiles a program of its own
def test_vmap_and_a_python_loop_agree(
    forward_mode: bool, in_axes: Any, out_axes: int, seed: int
) -> None:
    """Over any of x, alpha and width, and any axis of each: to the bit."""
    random = np.random.default_rng(seed)
    arguments = [
        jnp.asarray(
            random.uniform(low, 2, 3 if axis is None else np.insert([3], axis % 2, 5)), jnp.float32
        )
        for low, axis in zip([-2, 0.1, 0.1], in_axes, strict=True)
    ]

    def slope(x: Any, alpha: Any, width: Any) -> Any:
        return gradient(ReluGrad(alpha, width, forward_mode=forward_mode), x)

    swept = jax.vmap(slope, in_axes, out_axes)(*arguments)
    members = [
        slope(
            *(
                a if i is None else jnp.take(a, k, i)
                for a, i in zip(arguments, in_axes, strict=True)
            )
        )
        for k in range(5)
    ]
    np.testing.assert_array_equal(swept, np.stack(members, out_axes))


# Shapes

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


@given(shapes=st.tuples(shapes, shapes, shapes))
def test_shapes_broadcast_by_the_rules_of_numpy_or_not_at_all(shapes: Any) -> None:
    """The same shape as NumPy finds, and an error where it finds none."""
    x, alpha, width = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes)
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ValueError, match=r"^alpha and width must broadcast against x; got "):
            jax.eval_shape(relu_grad, x, alpha, width)
    else:
        assert jax.eval_shape(relu_grad, x, alpha, width).shape == expected


@given(
    forward_mode=st.booleans(),
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=30)  # each compiles a program of its own
def test_values_broadcast_by_the_rules_of_numpy(forward_mode: bool, shapes: Any, seed: int) -> None:
    """And a gradient is summed over what was repeated, so that it has the shape of x."""
    random = np.random.default_rng(seed)
    x, alpha, width = (
        random.uniform(low, 2, shape).astype(np.float32)
        for low, shape in zip([-2, 0.1, 0.1], shapes.input_shapes, strict=True)
    )
    surrogate = ReluGrad(alpha, width, forward_mode=forward_mode)
    slope = alpha * np.maximum(0, width - np.abs(x))
    spikes = np.broadcast_to(x >= 0, shapes.result_shape)
    np.testing.assert_array_equal(surrogate(x), spikes, strict=False)
    np.testing.assert_allclose(surrogate.surrogate_grad(x), slope, atol=places(4, 4))
    padded = (1,) * (slope.ndim - x.ndim) + x.shape
    repeated = tuple(np.flatnonzero(np.not_equal(padded, slope.shape)))
    expected = slope.sum(repeated, keepdims=True).reshape(x.shape)
    np.testing.assert_allclose(gradient(surrogate, x), expected, rtol=1e-5, atol=1e-5)


# Arguments of every kind

small = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2)
integer_dtypes = hnp.integer_dtypes(endianness="=") | hnp.unsigned_integer_dtypes(endianness="=")
# NumPy's arrays and scalars of every dtype, and those of JAX that NumPy lacks.
numpy_values = (hnp.scalar_dtypes() | hnp.array_dtypes()).flatmap(
    lambda dtype: hnp.arrays(dtype, small) | hnp.from_dtype(dtype)
)
jax_values = st.builds(
    jnp.asarray,
    hnp.arrays(np.int8, small, elements=st.integers(0, 7)),
    st.sampled_from(["bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "uint4", "complex64"]),
)
# Every type that Hypothesis can make unasked, on each Python; aliases in `typing` are left out.
KINDS: list[Any] = [
    *(type(None), type(...), type(NotImplemented), type, object),
    *(bool, int, float, complex, decimal.Decimal, fractions.Fraction, range, slice),
    *(numbers.Number, numbers.Complex, numbers.Real, numbers.Rational, numbers.Integral),
    *(str, bytes, bytearray, memoryview, re.Pattern, re.Match),
    *(tuple, list, set, frozenset, dict, collections.ChainMap, collections.Counter),
    *(collections.OrderedDict, collections.defaultdict, collections.deque, type(os.environ)),
    *(abc.Callable, abc.Generator, abc.ItemsView, abc.Iterator, abc.KeysView),
    *(abc.MutableSet, abc.ValuesView, enumerate, filter, map, reversed, zip),
    *(types.FunctionType, classmethod, staticmethod, property, super),
    *(typing.SupportsAbs, typing.SupportsBytes, typing.SupportsComplex, typing.SupportsFloat),
    *(typing.SupportsIndex, typing.SupportsInt, typing.SupportsRound),
    *(typing.BinaryIO, typing.TextIO, os.PathLike),
    *(UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError),
    *(BaseExceptionGroup, ExceptionGroup),
    *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone),
    *(zoneinfo.ZoneInfo, random.Random, uuid.UUID),
    *(ipaddress.IPv4Address, ipaddress.IPv4Interface, ipaddress.IPv4Network),
    *(ipaddress.IPv6Address, ipaddress.IPv6Interface, ipaddress.IPv6Network),
]
values = st.sampled_from(KINDS).flatmap(st.from_type) | numpy_values | jax_values
anything = st.recursive(
    values | st.sampled_from(KINDS),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
X = jnp.zeros(2)

parametrize_calls = pytest.mark.parametrize(
    ("name", "call"),
    [
        ("x", relu_grad),
        ("x", ReluGrad().surrogate_grad),
        ("x", ReluGrad().surrogate_fun),
        ("alpha", lambda value: relu_grad(X, alpha=value)),
        ("alpha", lambda value: ReluGrad(alpha=value)(X)),
        ("width", lambda value: relu_grad(X, width=value)),
        ("width", lambda value: ReluGrad(width=value)(X)),
        ("forward_mode", lambda value: relu_grad(X, forward_mode=value)),
        ("forward_mode", lambda value: ReluGrad(forward_mode=value)(X)),
    ],
)


def outcome(name: str, call: Function, value: Any) -> type:
    """What a call came to: an array, or an error that names the argument."""
    try:
        result = call(value)
    except (TypeError, ValueError) as raised:
        error = raised
    else:
        assert isinstance(result, jax.Array)
        assert name == "x" or np.all(result == 1)
        return jax.Array
    assert re.match(rf"{name} must be |alpha and width must broadcast against x; ", str(error))
    return type(error)


@parametrize_calls
@given(value=anything)
@example(value=[10**5000])  # more digits than Python prints
@settings(max_examples=100)
def test_any_argument_gets_a_result_or_an_error_that_names_it(
    name: str, call: Function, value: Any
) -> None:
    """Or a TypeError or a ValueError, and never a warning, which here is an error as well."""
    outcome(name, call, value)


@parametrize_calls
def test_so_does_an_argument_of_every_type(name: str, call: Function) -> None:
    """By chance, above, most of them would hardly be met: plain numbers and texts too."""
    outcomes: set[type] = set()
    for kind in KINDS:

        @given(value=st.from_type(kind))
        @settings(max_examples=5)
        def collect(value: Any) -> None:
            outcomes.add(outcome(name, call, value))

        collect()
    # A parameter can also be a number that is not positive; x and forward_mode can't be so wrong.
    assert outcomes - {ValueError} == {jax.Array, TypeError}
    assert (ValueError in outcomes) == (name in ("alpha", "width"))


real_numbers = (
    st.integers()
    | st.floats()
    | (
        integer_dtypes
        | hnp.floating_dtypes(endianness="=", sizes=(16, 32, 64))
        | hnp.boolean_dtypes()
    ).flatmap(lambda dtype: hnp.arrays(dtype, small) | hnp.from_dtype(dtype))
)


@given(x=real_numbers)
@settings(max_examples=200)
def test_a_number_of_any_kind_spikes_by_the_definition(x: Any) -> None:
    """Also one that float32 cannot hold: its side of the threshold is known all the same."""
    with np.errstate(over="ignore"):
        rounded = np.asarray(x).astype(np.float32)
    # XLA on the CPU reads a number below the smallest normal float32 as 0, which spikes.
    expected = np.where(np.isnan(rounded), np.nan, rounded > -TINY)
    np.testing.assert_array_equal(relu_grad(x).astype(jnp.float32), expected)


@given(
    value=integer_dtypes.flatmap(
        lambda dtype: hnp.arrays(dtype, small, elements=st.integers(1, np.iinfo(dtype).max))
    )
)
def test_an_integer_parameter_is_taken_for_the_number_that_it_is(value: Any) -> None:
    """The slope at the threshold is alpha * width; those two are in it as floats."""
    peak = value.astype(np.float32)
    for surrogate in (ReluGrad(value, 1), ReluGrad(1, value)):
        np.testing.assert_array_equal(surrogate.surrogate_grad(0.0), peak)
