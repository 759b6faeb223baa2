"""Arguments: what is accepted, in which dtype it comes back, and what an error says."""

import sys
from decimal import Decimal
from fractions import Fraction
from itertools import product
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from tests.helpers import PARAMETERS

from relugrad import ReluGrad, relu_grad

X = np.array([-2.0, -0.5, 0.0, 0.5, 2.0], np.float32)


# Types of x


@pytest.mark.parametrize(
    "dtype", ["float8_e3m4", "float8_e4m3fn", "float16", "bfloat16", "float64"]
)
def test_a_float_comes_back_as_it_came(method: str, dtype: str, x64: None) -> None:
    """Whatever the dtypes of alpha and width."""
    function = getattr(ReluGrad(jnp.ones(5, "int8"), jnp.ones(5, "float64")), method)
    assert function(X.astype(dtype)).dtype == dtype


INTEGERS = [np.ones(3, dtype) for dtype in ("bool", "int8", "uint32", "int64")]


@pytest.mark.parametrize("x", [True, -3, np.float64(-2), np.int64(3), *INTEGERS], ids=repr)
def test_integers_and_numbers_promote_as_in_sin(x: Any, x64: None) -> None:
    """To whatever that is, also where JAX promotes nothing by itself."""
    with jax.numpy_dtype_promotion("strict"):
        spikes, sine = relu_grad(x), jnp.sin(x)
    assert (spikes.dtype, spikes.shape) == (sine.dtype, sine.shape)


BEYOND_INT32 = [
    *(np.int64(number) for number in (-(2**63), -(2**31) - 1, 2**31, 2**32 + 1)),
    *(np.uint64(number) for number in (2**32, 2**64 - 1)),
]


@pytest.mark.parametrize("x", BEYOND_INT32, ids=repr)
def test_an_integer_of_64_bits_is_not_cut_in_half(method: str, x: Any) -> None:
    """As JAX does in silence, without 64-bit types: it takes -2**31 - 1 for 2**31 - 1."""
    function = getattr(ReluGrad(2.0**-64, 2 * abs(float(x))), method)  # exact: float32(x) is ±2**n
    expected = function(float(x))
    assert function(x) == expected
    assert function(np.array(x)) == expected
    np.testing.assert_array_equal(function(np.array([x, x])), [expected, expected])
    assert jax.jit(lambda: function(x))() == expected
    assert jax.vmap(lambda zero: function(x) + zero)(jnp.zeros(1)) == expected


def test_an_integer_of_python_beyond_those_of_jax_is_an_overflow_error() -> None:
    with pytest.raises(OverflowError, match=r"\bx\b"):
        relu_grad(2**40)


@pytest.mark.parametrize("name", ["x", *PARAMETERS])
def test_what_stands_for_an_array_is_taken(name: str) -> None:
    """As a Flax variable does, for x and for a parameter."""
    array = jnp.array([0.5, 1.0, 2.0])
    variable = SimpleNamespace(__jax_array__=lambda: array)

    def slope(x: Any = 0.25, **parameters: Any) -> jax.Array:
        return ReluGrad(**parameters).surrogate_grad(x)

    np.testing.assert_array_equal(slope(**{name: variable}), slope(**{name: array}))


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_keeps_digits_that_bfloat16_has_not(name: str) -> None:
    """The slope of a bfloat16 x is computed in float32, and rounded once."""
    parameter: dict[str, Any] = {name: 1.3}
    spike = ReluGrad(**parameter)
    x = jnp.linspace(-1, 1, 257, dtype="bfloat16")
    expected = spike.surrogate_grad(x.astype("float32")).astype("bfloat16")
    np.testing.assert_array_equal(spike.surrogate_grad(x), expected)


# What is refused

NOT_REAL = [
    *("0.5", b"0.5", Fraction(1, 2), Decimal("0.5"), 0.5j, None, [0.5]),
    *(np.array(["0.5"]), np.array([0.5], object), np.array([0.5j]), np.ones(2, "timedelta64[s]")),
    # One has no sine, one can't be NaN, and one can't be 0.
    *(jnp.ones((), dtype) for dtype in (jnp.int2, jnp.float4_e2m1fn, jnp.float8_e8m0fnu)),
]
REFUSED = [
    *product(["x", *PARAMETERS], NOT_REAL),
    *product(PARAMETERS, [True, jnp.ones(5, bool)]),
]


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=repr)
def test_what_is_not_real_is_a_type_error_that_names_the_argument(name: str, value: Any) -> None:
    """Before JAX says that it can't trace it."""
    arguments: dict[str, Any] = {"x": X, name: value}
    with pytest.raises(TypeError, match=f"^{name} must be a real number or an array of real"):
        relu_grad(**arguments)


@pytest.mark.parametrize("forward_mode", [1, 0, "yes", None, np.True_], ids=repr)
def test_forward_mode_is_a_bool(forward_mode: Any) -> None:
    """It is part of a pytree's structure, where 1 and True would be two programs."""
    with pytest.raises(TypeError, match=r"^forward_mode must be True or False; got "):
        ReluGrad(forward_mode=forward_mode)


# Parameters


def test_the_function_checks_under_jit_too() -> None:
    """As long as the value is known there."""
    with pytest.raises(ValueError, match=r"^alpha must be positive and finite; got -0\.25"):
        jax.jit(lambda x: relu_grad(x, -0.25))(X)


def test_an_array_of_numpy_may_change_later() -> None:
    """What its owner writes into it does not reach the ReluGrad."""
    mine = np.full(80, 0.5, np.float32)
    # One of these is aligned to 64 bytes, as JAX likes it, which would share and not copy.
    spikes = [ReluGrad(alpha=mine[start : start + 64]) for start in range(16)]
    mine[:] = -1
    np.testing.assert_array_equal([spike.alpha for spike in spikes], np.full((16, 64), 0.5))


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("number", [2**40, 2**64 - 1])
def test_an_integer_parameter_is_not_cut_in_half(name: str, number: int) -> None:
    for value in (number, np.uint64(number), np.array([number], np.uint64)):
        arguments: dict[str, Any] = {name: value}
        assert getattr(ReluGrad(**arguments), name) == float(number)


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_beyond_floats_is_an_error_that_names_the_parameter(
    name: str, sign: int
) -> None:
    """Also where Python refuses to print its digits, of which it has 5,000."""
    arguments: dict[str, Any] = {name: sign * 10**5000}
    with pytest.raises(ValueError, match=f"^{name} must be positive and finite; got an integer"):
        ReluGrad(**arguments)


def test_a_surrogate_with_floats_is_made_without_jax_and_numpy() -> None:
    """They take twenty times as long, and relu_grad makes a surrogate in each call."""
    called = set()

    def note_package(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            called.add(frame.f_globals["__name__"].partition(".")[0])
        elif event == "c_call":
            called.add(str(argument.__module__).partition(".")[0])

    sys.setprofile(note_package)
    try:
        ReluGrad(0.5, 2.0)
    finally:
        sys.setprofile(None)
    assert "relugrad" in called, "the profile has seen nothing"
    assert not called & {"jax", "jaxlib", "numpy"}, called


# NaN in x, and bad parameters that can't be looked at

VALID = {"x": 0.25, **dict.fromkeys(PARAMETERS, 1.0), "alpha": 0.5}
BAD = [
    {"x": np.nan},
    *({name: bad} for name in PARAMETERS for bad in (np.nan, np.inf, 0.0, -1.0)),
    {"alpha": 1e30, "width": 1e30},  # whose peak is infinite in float32
]


def test_all_derivatives_are_nan_where_an_argument_is_bad(method: str, forward_mode: bool) -> None:
    """By x and each parameter, up to the third order: all but those that are 0 anyway."""

    def function(x: Any, spike: ReluGrad) -> Any:
        return getattr(spike, method)(x)

    @jax.jit
    @jax.vmap
    def derivatives(x: Any, spike: ReluGrad) -> Any:
        results = [function(x, spike)]
        for first, other in product([jax.jacrev, jax.jacfwd][: 1 + forward_mode], repeat=2):
            derivative = first(function, (0, 1))
            for _ in range(3):
                results.append(derivative(x, spike))
                derivative = other(derivative, (0, 1))
        return ravel_pytree(results)[0]

    rows = [list((VALID | bad).values()) for bad in [{}, *BAD]]
    x, *parameters = jnp.array(rows).T
    structure = jax.tree.structure(ReluGrad(forward_mode=forward_mode))
    valid, *invalid = derivatives(x, jax.tree.unflatten(structure, parameters))
    assert np.isfinite(valid).all()
    for bad, results in zip(BAD, invalid, strict=True):
        assert np.isnan(results[valid != 0]).all(), bad


def test_a_bad_parameter_is_nan_for_itself_alone(forward_mode: bool) -> None:
    """Its neighbours' gradients don't notice."""
    spike = jax.tree.map(lambda _: jnp.array([1.0, -1.0, 1.0]), ReluGrad(forward_mode=forward_mode))
    gradient = jax.grad(lambda x: spike(x).sum())(jnp.full(3, 0.25))
    np.testing.assert_array_equal(gradient, [0.75, np.nan, 0.75])
    assert np.isnan(jax.jit(lambda alpha: relu_grad(0.0, alpha))(-1.0))
