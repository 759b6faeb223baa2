"""The checker: wrong rules are found, right ones pass, and what doesn't fit together is named.

The rules of pages and of the package go through it in test_reference.py.
"""

import copy
import dataclasses
import importlib
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest import SkipTest

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer
from jax.experimental import io_callback
from tests.helpers import (
    POSITIVE,
    WIDTHS,
    Function,
    copies,
    names_of_page,
    root_rule,
    spike_rule,
    with_backward,
)

import relugrad.testing
from relugrad.testing import Result, Rule

# Wrong rules. Most are the hyperbolic tangent, with its own slope or with that of a bell


def tanh_slope(x: Any) -> Any:
    return 1 - jnp.tanh(x) ** 2


def tanh_rule(gradient: Function, **settings: Any) -> Rule:
    """tanh, of which gradient(x, cotangent) is the gradient."""

    def backward(stored: Any, cotangent: Any) -> Any:
        return (gradient(*stored, cotangent),)

    return Rule(with_backward(jnp.tanh, backward), jnp.tanh, **settings)


def sine_rule_whose_parameter_is_called_x() -> Rule:
    """Its gradient by x is 0."""

    def value(z: Any, x: Any) -> Any:
        return jnp.sin(z) * x

    function = with_backward(value, lambda kept, ct: (0 * ct, (ct * jnp.sin(kept[0])).sum()))
    return Rule(function, value, parameters=[(0.7,)])


def identity_rule(at_infinity: Any) -> Rule:
    """It returns something else where x is infinite."""

    def value(x: Any) -> Any:
        return jnp.where(jnp.isinf(x), at_infinity, x)

    return Rule(with_backward(value, lambda kept, ct: (ct,)), lambda x: x)


def sum_rule(slope: Function) -> Rule:
    """The sum of squares, with another slope."""

    def value(x: Any) -> Any:
        return (x**2).sum()

    function = with_backward(value, lambda kept, ct: (ct * slope(kept[0]),))
    return Rule(function, value, element_by_element=False)


def negative_zero_is_wrong(x: Any) -> Any:
    return jnp.where((x == 0) & jnp.signbit(x), 5, 2 * x)


def bell(x: Any, width: Any) -> Any:
    return jnp.exp(-((x * width) ** 2))


def tanh_of_width(x: Any, width: Any) -> Any:
    """The hyperbolic tangent, which is NaN if the width is bad."""
    return jnp.tanh(x) + jnp.asarray(0 * width, x.dtype)


def bell_rule(
    value: Function = tanh_of_width,
    slope: Function = bell,
    product: Function = jnp.multiply,
    stored: Function = copies,
    gradient_by_width: Function = lambda cotangent: None,
    dtype: Function = lambda cotangent: cotangent.dtype,
    **settings: Any,
) -> Rule:
    """The hyperbolic tangent with the slope of a bell. It is right as it is."""

    def backward(kept: Any, cotangent: Any) -> Any:
        x, width = kept[:2]
        gradient = product(cotangent, slope(x, width))
        return gradient.astype(dtype(cotangent)), gradient_by_width(cotangent)

    function = with_backward(value, backward, stored)
    return described_as_bell(function, **(WIDTHS | settings))


def described_as_bell(function: Function, **settings: Any) -> Rule:
    """What a function with the slope of a bell should compute."""

    def change(dx: Any, x: Any, width: Any) -> Any:
        return dx * bell(x, width)

    return Rule(function, lambda x, width: jnp.tanh(x), change, **settings)


def under_vmap(function: Function, other: Function) -> Function:
    """A function that is ``other(batched arguments)`` of it under vmap."""
    mapped = jax.custom_batching.custom_vmap(function)

    @mapped.def_vmap
    def batched(size: int, is_batched: Any, *arguments: Any) -> Any:
        axes = [0 if batched else None for batched in is_batched]
        return other(is_batched)(jax.vmap(function, axes))(*arguments), True

    return mapped


def double(function: Function) -> Function:
    return lambda *arguments: 2 * function(*arguments)


def same(function: Function) -> Function:
    return function


# JAX can't differentiate a rule for vmap
once = partial(bell_rule, second=False)


def doubled_if(condition: Function) -> Function:
    return lambda batched: double if condition(batched) else same


def doubled_in_two_batches(function: Function) -> Function:
    return under_vmap(function, lambda batched: lambda f: under_vmap(f, lambda batched: double))


def stored_with_a_callback(*arguments: Any) -> Any:
    """Which jax.checkpoint refuses."""
    io_callback(lambda: None, None)
    return copies(*arguments)


def gradient_by_width_if_alone() -> Function:
    """The gradient by width is another where x gets none."""
    function = jax.custom_vjp(tanh_of_width)

    def forward(x: Any, width: Any) -> Any:
        return function(x.value, width.value), (x.value, width.value, (0,) * x.perturbed)

    def backward(kept: Any, cotangent: Any) -> Any:
        x, width, x_is_perturbed = kept
        return cotangent * bell(x, width), None if x_is_perturbed else cotangent.sum()

    function.defvjp(forward, backward, symbolic_zeros=True)
    return function


def sin_and_cos(x: Any) -> Any:
    return jnp.sin(x), jnp.cos(x)


def forgets_one_cotangent(kept: Any, cotangents: Any) -> Any:
    """If the other one is 0."""
    (x,), (of_sin, of_cos) = kept, cotangents
    return (of_sin * jnp.cos(x) - of_cos * (of_sin != 0) * jnp.sin(x),)


def sinh_and_cosh(x: Any) -> Any:
    return jnp.sinh(x), jnp.cosh(x)


def gradient_of_sinh_and_cosh(kept: Any, cotangents: Any, factor: Function = jnp.ones_like) -> Any:
    (x,), (of_sinh, of_cosh) = kept, cotangents
    return ((of_sinh * jnp.cosh(x) + of_cosh * jnp.sinh(x)) * factor(x),)


def transposed_if_square(x: Any, cotangent: Any) -> Any:
    slope = tanh_slope(x)
    return cotangent * (slope.T if x.ndim == 2 and x.shape[0] == x.shape[1] else slope)


def summed_if_one_row(x: Any, cotangent: Any) -> Any:
    gradient = cotangent * tanh_slope(x)
    is_one_row = x.ndim == 2 and x.shape[0] == 1
    return jnp.broadcast_to(gradient.sum(), x.shape) if is_one_row else gradient


def without_last_chunk(x: Any, cotangent: Any, size: int = 8192) -> Any:
    whole = x.size // size * size if x.size > size else x.size
    kept = jnp.arange(x.size).reshape(x.shape) < whole
    return jnp.where(kept, cotangent * tanh_slope(x), 0)


def scaled_tanh_rule(unit: float, factor: float) -> Rule:
    """A tanh in another unit, whose gradient is wrong by a factor."""

    def value(x: Any) -> Any:
        return unit * jnp.tanh(x)

    def backward(stored: Any, cotangent: Any) -> Any:
        return (cotangent * unit * factor * tanh_slope(*stored),)

    return Rule(with_backward(value, backward), value)


def softmax_rule(axis: int) -> Rule:
    """A softmax over the last axis, whose gradient is summed over another."""

    def value(x: Any) -> Any:
        return jax.nn.softmax(x, -1)

    def backward(stored: Any, cotangent: Any) -> Any:
        result = value(*stored)
        return (result * (cotangent - (cotangent * result).sum(axis, keepdims=True)),)

    return Rule(with_backward(value, backward), value, element_by_element=False)


def mean(x: Any) -> Any:
    return x.mean()


def mean_rule(divisor: Function) -> Rule:
    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        return (jnp.full_like(x, cotangent / divisor(x)),)

    return Rule(with_backward(mean, backward), mean, element_by_element=False, memory=False)


def box(x: Any) -> Any:
    return (jnp.abs(x) < 0.5).astype(x.dtype)


def shifted_box_rule(shift: float) -> Rule:
    def step(x: Any) -> Any:
        return (x >= 0).astype(x.dtype)

    def backward(stored: Any, cotangent: Any) -> Any:
        return (cotangent * box(stored[0] - shift),)

    return spike_rule(with_backward(step, backward), box)


def leaky_relu(x: Any) -> Any:
    return jnp.where(x > 0, x, 0.05 * x)


def leaky_relu_rule(leak: Function) -> Rule:
    """Whose slope for negative numbers may depend on the dtype of x."""

    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        return (cotangent * jnp.where(x > 0, 1, leak(x)).astype(x.dtype),)

    return Rule(with_backward(leaky_relu, backward), leaky_relu)


def zero_for_traced_integers(x: Any, width: Any) -> Any:
    is_traced_integer = isinstance(width, Tracer) and jnp.issubdtype(width.dtype, jnp.integer)
    return 0 * x if is_traced_integer else bell(x, width)


def soft_sign(x: Any) -> Any:
    return x / (0.5 + jnp.abs(x))


def soft_sign_rule(factor: Function) -> Rule:
    """Far from 0, autodiff cancels, also in 64 bits, and the slope of the rule doesn't."""

    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        return (cotangent * 0.5 / (0.5 + jnp.abs(x)) ** 2 * factor(x),)

    return Rule(with_backward(soft_sign, backward), soft_sign)


def cube_rule(factor: Function) -> Rule:
    """Far from 0, the value overflows, and the slope doesn't yet."""

    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        return (cotangent * 3 * x**2 * factor(x),)

    return Rule(with_backward(lambda x: x**3, backward), lambda x: x**3)


def log_of_sum_rule(factor: Function) -> Rule:
    """log(1 + exp(x)) overflows at 89, also in plain JAX, and jax.nn.softplus doesn't."""

    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        return (cotangent * jax.nn.sigmoid(x) * factor(x),)

    value = with_backward(jax.nn.softplus, backward)
    return Rule(value, lambda x: jnp.log(1 + jnp.exp(x)))


def power(x: Any) -> Any:
    return jax.nn.relu(x) ** 1.5


def power_rule(of_cotangent: Function) -> Rule:
    """Its slope is 0 for negative numbers, and 0 times an infinite cotangent is NaN."""

    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        return (of_cotangent(cotangent) * 1.5 * jnp.sqrt(jax.nn.relu(x)),)

    return Rule(with_backward(power, backward), power)


def coversine_rule(factor: Function) -> Rule:
    """Whose value, (1 - cos x) / x², cancels near 0, also in 64 bits, and whose rule doesn't."""

    def value(x: Any) -> Any:
        return jnp.sinc(x / (2 * np.pi)) ** 2 / 2

    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        is_small = jnp.abs(x) < 0.3
        large = jnp.where(is_small, 1, x)
        of_large = (large * jnp.sin(large) - 4 * jnp.sin(large / 2) ** 2) / large / large / large
        of_small = x * (-1 / 12 + x**2 / 180 - x**4 / 6720)
        return (cotangent * jnp.where(is_small, of_small, of_large) * factor(x),)

    function = with_backward(value, backward)
    return Rule(function, lambda x: (1 - jnp.cos(x)) / x**2, domain=(-100.0, 100.0))


def log_cosh_rule(factor: Function) -> Rule:
    """The reference is the difference of two slopes, which is 0 near 0."""

    def value(x: Any) -> Any:
        size = jnp.abs(x)
        return size + jnp.log1p(jnp.expm1(-2 * size) / 2)

    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        return (cotangent * jnp.tanh(x) * factor(x),)

    function = with_backward(value, backward)
    return Rule(function, lambda x: jnp.logaddexp(x, -x) - np.log(2.0).item())


def two_terms(of_cotangent: Function) -> Rule:
    """JAX's silu, whose gradient is the sum of two terms, which are infinite with both signs."""

    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        cotangent = of_cotangent(cotangent)
        sigmoid = jax.nn.sigmoid(x)
        of_sigmoid = x * sigmoid * (1 - sigmoid)
        return (cotangent * sigmoid + cotangent * jnp.where(jnp.isinf(x), 0, of_sigmoid),)

    return Rule(with_backward(jax.nn.silu, backward), jax.nn.silu)


def dropout(x: Any, key: Any) -> Any:
    return x * jax.random.bernoulli(key, 0.5, x.shape)


def dropout_rule(store: Function, restore: Function) -> Rule:
    """Its backward pass draws the same numbers again."""
    function = jax.custom_vjp(dropout)

    def forward(x: Any, key: Any) -> Any:
        return function(x, key), store(key)

    def backward(stored: Any, cotangent: Any) -> Any:
        return dropout(cotangent, restore(stored)), None

    function.defvjp(forward, backward)
    keys = [(jax.random.key(0),)]
    return Rule(function, dropout, parameters=keys, element_by_element=False)


def take_rule() -> Rule:
    """Its parameter is an array of integers, which is stored and larger than x."""

    def value(x: Any, indices: Any) -> Any:
        return jnp.take(x, indices, axis=-1)

    function = jax.custom_vjp(value)

    def forward(x: Any, indices: Any) -> Any:
        return function(x, indices), (indices, jnp.copy(x))

    def backward(stored: Any, cotangent: Any) -> Any:
        indices, x = stored
        return jnp.zeros_like(x).at[..., indices].add(cotangent), None

    function.defvjp(forward, backward)
    indices = jnp.array([3, 1, 3, 0, 2, 1])
    return Rule(function, value, parameters=[(indices,)], element_by_element=False)


MANY_ARRAYS = {f"a{n}": jnp.array([0.3, -0.4]) for n in range(120)}


def many_arrays_rule(factor: float) -> Rule:
    """The sine of 120 arrays, of which one has another gradient."""

    def value(arrays: Any) -> Any:
        return jax.tree.map(jnp.sin, arrays)

    def backward(stored: Any, cotangent: Any) -> Any:
        slopes = jax.tree.map(jnp.cos, stored[0])
        slopes["a77"] *= factor
        return (jax.tree.map(jnp.multiply, slopes, cotangent),)

    return Rule(with_backward(value, backward), value, x=MANY_ARRAYS)


def scalar_rule(factor: float) -> Rule:
    def backward(stored: Any, cotangent: Any) -> Any:
        return (cotangent * factor * jnp.cos(*stored),)

    return Rule(with_backward(jnp.sin, backward), jnp.sin, x=jnp.array(0.7))


def log_determinant(x: Any) -> Any:
    return jnp.linalg.slogdet(x)[1]


def log_determinant_rule(arrange: Function) -> Rule:
    """Which plain JAX can't run in 16 bits."""

    def backward(stored: Any, cotangent: Any) -> Any:
        return (cotangent[..., None, None] * arrange(jnp.linalg.inv(*stored)),)

    function = with_backward(log_determinant, backward)
    matrix = jnp.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.2], [0.3, -0.2, 1.1]])
    return Rule(function, log_determinant, x=matrix, element_by_element=False)


def logistic(x: Any, temperature: Any) -> Any:
    return jax.nn.sigmoid(x / temperature)


def logistic_rule(gradient_by_temperature: Function, **settings: Any) -> Rule:
    """Whose value depends on its parameter."""

    def backward(stored: Any, cotangent: Any) -> Any:
        x, temperature = stored
        result = logistic(x, temperature)
        slope = result * (1 - result) / temperature
        gradient = (cotangent * slope).astype(cotangent.dtype)
        return gradient, gradient_by_temperature(x, temperature, cotangent * slope)

    settings = {"parameters": [(0.5,)]} | settings
    return Rule(with_backward(logistic, backward), logistic, **settings)


def by_temperature(x: Any, temperature: Any, gradient: Any) -> Any:
    return jnp.sum(-gradient * x / temperature).astype(jnp.result_type(temperature))


def nothing(x: Any, temperature: Any, gradient: Any) -> Any:
    return jnp.zeros_like(temperature)


def norm_of_rows(x: Any) -> Any:
    return jnp.sqrt((x**2).sum(-1))


def norm_rule(smallest: float) -> Rule:
    """Its slope at a row of zeros is 0 by its description, and NaN if nothing is done."""

    def change(dx: Any, x: Any) -> Any:
        norm = norm_of_rows(x)
        return jnp.where(norm > 0, (x * dx).sum(-1) / jnp.where(norm > 0, norm, 1), 0)

    def backward(stored: Any, cotangent: Any) -> Any:
        (x,) = stored
        norm = jnp.maximum(norm_of_rows(x), smallest)
        return (cotangent[..., None] * x / norm[..., None],)

    function = with_backward(norm_of_rows, backward)
    x = jnp.array([[0.3, -0.4, 1.2], [0.1, 0.2, 0.7]])
    return Rule(function, norm_of_rows, change, x=x, element_by_element=False)


def value_if_differentiated() -> Function:
    """A log of a sum, whose value is 0 in place of -inf if its gradient is asked for."""
    function = jax.custom_vjp(lambda x: jnp.log(jnp.exp(x).sum(-1)))

    def forward(x: Any) -> Any:
        return jnp.nan_to_num(function(x), neginf=0.0), jnp.copy(x)

    function.defvjp(forward, lambda x, cotangent: (cotangent[..., None] * jax.nn.softmax(x),))
    return function


def finite_in_reverse_mode_alone() -> Function:
    """A square root whose jvp is NaN at 0, and whose slope elsewhere is right."""
    function = jax.custom_jvp(lambda x: x * jnp.abs(x))

    @function.defjvp
    def rule(x: Any, dx: Any) -> Any:
        return function(*x), dx[0] * 2 * x[0] ** 2 / jnp.abs(x[0])

    return function


def with_callback(x: Any) -> Any:
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return jax.pure_callback(np.tanh, shape, x, vmap_method="expand_dims")


def far(factor: float, limit: float) -> Function:
    """A factor for numbers beyond a limit."""
    return lambda x: jnp.where(jnp.abs(x) > limit, factor, 1.0).astype(x.dtype)


NEURONS = jnp.array([0.3, 0.5, 1.0, 2.0])
page = names_of_page("custom-derivatives/goes-wrong.md")
dependent, shifted, guarded = page["dependent"], page["shifted"], page["guarded"]
uncopied = page["with_rule"](dependent, page["as_it_is"])
shifted_a_little = page["with_rule"](lambda x, p: jnp.sqrt(x + 1e-7) + 0 * p, page["as_it_is"])

# What is wrong: the check that finds it, and the rule
WRONG: dict[str, tuple[str, Rule]] = {
    "a slope far from 0": ("points", bell_rule(slope=lambda x, p: bell(x, p) + (x < -1e6))),
    "NaN at 0": ("points", tanh_rule(lambda x, ct: ct * tanh_slope(x) * (x / x))),
    "NaN at infinity": ("points", tanh_rule(lambda x, ct: ct * tanh_slope(x) + 0 * x)),
    "a slope of negative numbers": (
        "points",
        tanh_rule(lambda x, ct: ct * jnp.where(x < -3, 0.5, 1) * tanh_slope(x)),
    ),
    "a small factor": ("points", tanh_rule(lambda x, ct: ct * 1.00003 * tanh_slope(x))),
    "a box shifted by 0.001": ("points", shifted_box_rule(0.001)),
    "the last chunk": ("points", tanh_rule(without_last_chunk)),
    "small units": ("points", scaled_tanh_rule(1e-6, 2)),
    "tiny units": ("points", scaled_tanh_rule(1e-12, 1.01)),
    "large units": ("points", scaled_tanh_rule(1e9, 1.0001)),
    "where autodiff cancels": ("points", soft_sign_rule(far(2.0, 1e3))),
    "where the reference cancels": ("points", coversine_rule(far(2.0, 1e-3))),
    "where the reference cancels, near 0": (
        "points",
        log_cosh_rule(lambda x: jnp.where(jnp.abs(x) < 1e-3, 0, 1).astype(x.dtype)),
    ),
    "random numbers": ("one_call", dropout_rule(same, lambda key: jax.random.key(1))),
    "where values overflow": ("points", cube_rule(far(2.0, 1e8))),
    "where plain JAX overflows": ("points", log_of_sum_rule(far(2.0, 95))),
    "before both values overflow": (
        "points",
        Rule(
            with_backward(sinh_and_cosh, partial(gradient_of_sinh_and_cosh, factor=far(2.0, 70))),
            sinh_and_cosh,
        ),
    ),
    "one array of 120": ("points", many_arrays_rule(1.001)),
    "a scalar": ("points", scalar_rule(1.0001)),
    "a matrix": ("points", log_determinant_rule(lambda inverse: inverse)),
    "forward mode at 0": (
        "points",
        Rule(finite_in_reverse_mode_alone(), lambda x: x * jnp.abs(x), forward_mode=True),
    ),
    "a row of zeros": ("edges", norm_rule(0.0)),
    "a negative zero": ("edges", sum_rule(negative_zero_is_wrong)),
    "a parameter called x": ("one_call", sine_rule_whose_parameter_is_called_x()),
    "NaN for an infinite x": ("points", identity_rule(jnp.nan)),
    "a number for an infinite x": ("points", identity_rule(7.0)),
    "a value with its gradient": (
        "edges",
        Rule(
            value_if_differentiated(),
            lambda x: jax.nn.logsumexp(x, -1),
            element_by_element=False,
        ),
    ),
    "no axes": ("no_axes", bell_rule(value=lambda x, p: jnp.atleast_1d(tanh_of_width(x, p)))),
    "a slope of neighbours": (
        "shape_60_90",
        bell_rule(slope=lambda x, p: bell(x[:, ::-1] if x.ndim == 2 else x, p)),
    ),
    "four axes": (
        "shape_3_1_4_5",
        bell_rule(slope=lambda x, p: bell(x + 2e-5 * (x.ndim == 4), p)),
    ),
    "square arrays": ("shape_square", tanh_rule(transposed_if_square)),
    "one row": ("shape_1_6", tanh_rule(summed_if_one_row)),
    "another axis": ("batch_of_5", softmax_rule(0)),
    "another length": ("longer", mean_rule(lambda x: 4)),
    "a number for each neuron": (
        "shape_3_1_4_5",
        bell_rule(
            slope=lambda x, p: bell(x, p[0] if x.ndim == 5 else p), parameters=[(NEURONS,)], bad=[]
        ),
    ),
    "a float of Python": (
        "python_numbers",
        tanh_rule(lambda x, ct: ct * (2 if x.weak_type else 1) * tanh_slope(x)),
    ),
    "a traced integer": ("integers", bell_rule(slope=zero_for_traced_integers)),
    "clipped cotangents": (
        "cotangents",
        bell_rule(product=lambda ct, slope: jnp.clip(ct, -1e8, 1e8) * slope),
    ),
    "infinite cotangents": (
        "cotangents",
        power_rule(lambda ct: jnp.clip(ct, -1e30, 1e30)),
    ),
    "infinite cotangents of two terms": (
        "cotangents",
        two_terms(lambda ct: jnp.clip(ct, -1e30, 1e30)),
    ),
    "the dtype of a value": ("dtypes", bell_rule(value=lambda x, p: jnp.tanh(x) + 0 * p)),
    "a number in float16": (
        "dtypes",
        bell_rule(slope=lambda x, p: (1 + 0.03 * (x.dtype == "float16")) * bell(x, p)),
    ),
    "a slope that is 0 in bfloat16": (
        "dtypes",
        leaky_relu_rule(lambda x: 0.0 if x.dtype == jnp.bfloat16 else 0.05),
    ),
    "the dtype of a gradient": ("dtypes", bell_rule(dtype=lambda ct: "float32")),
    "the dtype of a gradient, with a number for each neuron": (
        "dtypes",
        bell_rule(dtype=lambda ct: "float32", parameters=[(NEURONS,)], bad=[]),
    ),
    "the dtype of a gradient by a parameter": (
        "dtypes",
        bell_rule(gradient_by_width=lambda ct: 0 * ct.sum()),
    ),
    "what is stored": ("memory", bell_rule(stored=lambda x, p: (x, p, bell(x, p)))),
    "what is stored and fixed": ("memory", bell_rule(stored=lambda x, p: (jnp.full_like(x, p), p))),
    "what JAX stores, if asked for": ("memory", Rule(jax.nn.silu, jax.nn.silu, memory=True)),
    "NaN that is lost": ("nan", bell_rule(slope=lambda x, p: jnp.nan_to_num(bell(x, p)))),
    "NaN that spreads": ("nan", bell_rule(product=lambda ct, slope: ct * slope + 0 * ct.sum())),
    "NaN in a cotangent": (
        "nan",
        bell_rule(product=lambda ct, g: jnp.where(g < 0.99, ct, jnp.nan_to_num(ct)) * g),
    ),
    "bad parameters": (
        "bad",
        bell_rule(slope=lambda x, p: bell(x, p) + jnp.where(x < 0, 0 * p, 0)),
    ),
    "a slope without a derivative": (
        "one_call",
        bell_rule(slope=lambda x, p: bell(x, jax.lax.stop_gradient(p))),
    ),
    "a derivative by a parameter": ("one_call", logistic_rule(nothing)),
    "a cotangent without a derivative": (
        "two_calls",
        bell_rule(product=lambda ct, slope: jax.lax.stop_gradient(ct) * slope),
    ),
    "a batch of cotangents": (
        "jacobian",
        once(product=under_vmap(jnp.multiply, doubled_if(lambda batched: not all(batched)))),
    ),
    "a sweep": ("vmap_over_parameters", bell_rule(value=lambda x, p: jnp.tanh(x))),
    "a batch of both": ("vmap_over_both", once(slope=under_vmap(bell, doubled_if(all)))),
    "a batch of batches": ("vmap_in_vmap", once(slope=doubled_in_two_batches(bell))),
    "a parameter for each column": (
        "parameter_for_each_column",
        bell_rule(slope=lambda x, p: bell(x, jnp.mean(p))),
    ),
    "a batch of x alone": (
        "arguments_alone",
        once(slope=under_vmap(bell, doubled_if(lambda batched: batched == [True, False]))),
    ),
    "a derivative by a parameter alone": (
        "arguments_alone",
        described_as_bell(gradient_by_width_if_alone(), **WIDTHS),
    ),
    "one result": (
        "outputs_alone",
        Rule(with_backward(sin_and_cos, forgets_one_cotangent), sin_and_cos),
    ),
    "an effect": ("checkpointed_scan", once(stored=stored_with_a_callback)),
    "a callback": (
        "mesh",
        Rule(with_backward(with_callback, lambda kept, ct: (ct * tanh_slope(*kept),)), jnp.tanh),
    ),
}
# JAX's mistake in docs/reports
HAS_MISTAKE_OF_SCAN = jax.__version_info__ >= (0, 6, 2) and not getattr(
    jax.config, "jax_custom_vjp3", False
)
if HAS_MISTAKE_OF_SCAN:
    WRONG["a residual in a scan"] = ("recurrent_scan", root_rule(uncopied))
    WRONG["a residual in two scans"] = ("scan_in_scan", root_rule(uncopied))
    WRONG["a residual on a mesh"] = ("mesh", root_rule(shifted_a_little))
FAST = [
    "points",
    "edges",
    "no_axes",
    "shape_1_6",
    "shape_square",
    "longer",
    "batch_of_5",
    "python_numbers",
    "integers",
    "cotangents",
    "dtypes",
    "memory",
    "nan",
    "bad",
    "one_call",
    "two_calls",
    "vmap_over_parameters",
    "vmap_over_both",
    "parameter_for_each_column",
    "outputs_alone",
    "recurrent_scan",
]
# What JAX says of "a sweep", by 0.12, and of "an effect"
REFUSED = "ValueError: under vmap|NotImplementedError: Effects not supported"


def check_named(rule: Rule, name: str) -> Function:
    return next(check for check in rule.checks() if check.__name__ == name)


def is_left_out(rule: Rule, name: str) -> bool:
    (spec,) = (spec for spec in rule.specs if spec.name == name)
    return bool(rule.left_out(spec))


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_rule_is_found(what: str) -> None:
    """By its check, and because of a number and not of an error (but JAX refuses two)."""
    name, rule = WRONG[what]
    with pytest.raises(Exception, match=f"^(?!.* fails: (?!{REFUSED}))") as raised:
        check_named(rule, name)()
    assert raised.type is AssertionError  # and not SkipTest, with which pytest would skip this


def softplus_as_in_jax() -> Rule:
    """The example of JAX's own documentation, which overflows at 89."""
    function = jax.custom_jvp(lambda x: jnp.log(1 + jnp.exp(x)))
    function.defjvps(lambda dx, result, x: (1 - 1 / (1 + jnp.exp(x))) * dx)
    return Rule(function, lambda x: jnp.log(1 + jnp.exp(x)), forward_mode=True)


def five_logarithms() -> Rule:
    """Which are right from 1 on."""

    def value(arrays: Any) -> Any:
        return sum(jnp.log(a) for a in arrays)

    def slope(x: Any) -> Any:
        return jnp.where(x >= 1, 1 / x, 0)

    function = with_backward(
        value, lambda kept, ct: (jax.tree.map(lambda x: ct * slope(x), kept[0]),)
    )
    x = [jnp.array([1.2, 1.3])] * 5
    return Rule(function, value, x=x, domain=(1.0, jnp.inf))


def sum_of_squares(arrays: Any) -> Any:
    return sum((a**2).sum() for a in jax.tree.leaves(arrays))


def sum_of_squares_rule() -> Rule:
    """One of its arrays has no numbers."""

    def backward(stored: Any, cotangent: Any) -> Any:
        return (jax.tree.map(lambda a: (2 * cotangent * a).astype(a.dtype), stored[0]),)

    x = {"some": jnp.array([1.0, -0.4]), "none": jnp.zeros(0)}
    return Rule(
        with_backward(sum_of_squares, backward), sum_of_squares, x=x, element_by_element=False
    )


def sum_of_roots(x: Any) -> Any:
    return jnp.sqrt(x).sum()


def halved(x: Any) -> Any:
    """In a loop whose carry can't be in 64 bits, or in 16."""
    start = x * jnp.ones((), "float32")
    return jax.lax.fori_loop(0, 1, lambda _, y: (y / 2).astype("float32"), start)


def cubic_root(y: Any) -> Any:
    """The x for which x³ + x is y."""
    return jax.lax.custom_root(
        lambda x: x**3 + x - y,
        jnp.zeros_like(y),
        lambda f, x: jax.lax.fori_loop(0, 30, lambda _, x: x - (x**3 + x - y) / (3 * x**2 + 1), x),
        lambda linear, y: y / linear(jnp.ones_like(y)),
    )


EXACT = jnp.ones_like
SINGLE_CALLS = "points no_axes shape_1_6 cotangents dtypes memory nan"
# Right rules that were accused, or are like those, and the checks that might
RIGHT: dict[str, tuple[str, Rule]] = {
    "more exact than autodiff": (SINGLE_CALLS, soft_sign_rule(EXACT)),
    "an overflow of the value": (SINGLE_CALLS, cube_rule(EXACT)),
    "two values that overflow": (
        SINGLE_CALLS,
        Rule(with_backward(sinh_and_cosh, gradient_of_sinh_and_cosh), sinh_and_cosh),
    ),
    "infinity times 0": (SINGLE_CALLS, power_rule(lambda ct: ct)),
    "no overflow": (SINGLE_CALLS, log_of_sum_rule(EXACT)),
    "a reference that cancels": (SINGLE_CALLS, coversine_rule(EXACT)),
    "a reference that is 0": (SINGLE_CALLS, log_cosh_rule(EXACT)),
    "infinity minus infinity": (SINGLE_CALLS, two_terms(lambda ct: ct)),
    "the data of a key": (
        "points longer batch_of_5 cotangents dtypes memory one_call recurrent_scan scan_in_scan",
        dropout_rule(jax.random.key_data, jax.random.wrap_key_data),
    ),
    "indices": ("points batch_of_5 memory one_call recurrent_scan scan_in_scan", take_rule()),
    "as inexact as plain JAX": (SINGLE_CALLS, softplus_as_in_jax()),
    "small units": (SINGLE_CALLS, scaled_tanh_rule(1e-12, 1)),
    "large units": (SINGLE_CALLS, scaled_tanh_rule(1e9, 1)),
    "a box": (SINGLE_CALLS, shifted_box_rule(0)),
    "an array without numbers": ("points edges longer dtypes memory nan", sum_of_squares_rule()),
    "120 arrays": ("one_call", many_arrays_rule(1)),
    "a scalar": (SINGLE_CALLS, scalar_rule(1)),
    "one point": (f"{SINGLE_CALLS} dtypes", Rule(jnp.tanh, jnp.tanh, points=jnp.float32(-0.5))),
    "five arrays in a domain": ("two_calls vmap_over_x", five_logarithms()),
    "a matrix": (
        "points edges batch_of_5 nan one_call",
        log_determinant_rule(lambda inverse: jnp.swapaxes(inverse, -1, -2)),
    ),
    "a row of zeros": ("points edges longer batch_of_1 nan", norm_rule(1e-30)),
    "a softmax": ("points edges longer batch_of_5 dtypes nan", softmax_rule(-1)),
    "a mean": ("points longer batch_of_5 dtypes", mean_rule(lambda x: x.size)),
    "a slope of 0.05 in 16 bits": ("dtypes", leaky_relu_rule(lambda x: 0.05)),
    "promotion with parameters": (
        f"{SINGLE_CALLS} one_call two_calls vmap_over_both",
        logistic_rule(by_temperature),
    ),
    "no gradient by a parameter": (
        f"{SINGLE_CALLS} one_call vmap_over_both integers",
        logistic_rule(nothing, without_gradient=["temperature"]),
    ),
    "a number for each neuron": (
        f"{SINGLE_CALLS} shape_3_1_4_5 shape_square python_numbers vmap_over_both",
        bell_rule(parameters=[(NEURONS,)], bad=[]),
    ),
    "an integer": (
        "points integers one_call dtypes",
        Rule(
            with_backward(
                lambda x, n: x**n, lambda kept, ct: (ct * kept[1] * kept[0] ** (kept[1] - 1), None)
            ),
            lambda x, n: x**n,
            parameters=[(3,)],
        ),
    ),
    "a domain": (
        "points one_call vmap_in_vmap recurrent_scan",
        Rule(
            with_backward(jnp.arccosh, lambda kept, ct: (ct / jnp.sqrt(kept[0] ** 2 - 1),)),
            jnp.arccosh,
            x=jnp.array([1.2, 1.5, 3.0]),
            domain=(1.0, np.inf),
        ),
    ),
    "forward mode at 0": (
        "points nan memory vmap_over_x training forward_mode",
        Rule(jax.nn.silu, jax.nn.silu, forward_mode=True, points=jnp.linspace(-3, 3, 11)),
    ),
    "a domain, and a sum": (
        "points edges",
        Rule(sum_of_roots, sum_of_roots, x=POSITIVE, domain=(0, np.inf), element_by_element=False),
    ),
    "what is float32 in all that JAX runs": ("points one_call", Rule(halved, halved)),
    "a sort": ("points edges memory nan", Rule(jnp.sort, jnp.sort, element_by_element=False)),
    "a root": ("one_call memory", Rule(cubic_root, cubic_root, points=jnp.linspace(-3, 3, 11))),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_rule_passes_where_it_was_accused(what: str) -> None:
    names, rule = RIGHT[what]
    for name in names.split():
        try:
            check_named(rule, name)()
        except SkipTest:
            assert name in SKIPPED.get(what, {}) or is_left_out(rule, name)


# Where plain JAX gives no number, or can't run
SKIPPED = {
    "a matrix": {"edges"},
    "a number for each neuron": {"python_numbers"},
    "a domain, and a sum": {"edges"},
    "large units": {"dtypes"},  # 1e9 isn't a number in float16
    "a row of zeros": {"edges"},
    "an array without numbers": {"edges"},
    "a sort": {"edges"},
    "a softmax": {"edges"},
}


# Remedies of the page *When a rule goes wrong*: the check that fails, before and after


def shifted_and_dependent(x: Any, smallest: Any) -> Any:
    return shifted(x, smallest) + 0 * smallest


def protected(function: Function) -> Function:
    return jax.checkpoint(jax.checkpoint(function))


def shifted_root_rule(function: Function) -> Rule:
    """Its value isn't quite the square root, and its slope is that of its value."""

    def change(dx: Any, x: Any, smallest: Any) -> Any:
        return dx / (2 * jnp.maximum(shifted(x, smallest), smallest))

    return dataclasses.replace(root_rule(function), value=shifted, change=change)


both_modes = page["with_jvp"](dependent, page["backward"])
bare = page["with_bare_forward"](dependent, page["backward"])
callback_without_copy = with_backward(with_callback, lambda kept, ct: (ct * tanh_slope(*kept),))
callback_and_zero = with_backward(
    lambda x: with_callback(x) + 0 * x, lambda kept, ct: (ct * tanh_slope(*kept),)
)
REMEDIES: dict[str, tuple[str, Rule, Rule]] = {
    "vmap": (
        "vmap_over_parameters",
        root_rule(page["with_rule"](guarded)),
        root_rule(page["with_rule"](dependent)),
    ),
    "second derivatives": (
        "one_call",
        root_rule(bare),
        root_rule(page["with_rule"](dependent)),
    ),
    "a callback on a mesh": (
        "mesh",
        Rule(callback_without_copy, jnp.tanh),
        Rule(callback_and_zero, jnp.tanh),
    ),
}
if HAS_MISTAKE_OF_SCAN:
    REMEDIES["scan"] = (
        "recurrent_scan",
        root_rule(page["with_rule"](dependent, page["as_it_is"])),
        root_rule(page["with_rule"](dependent)),
    )
    REMEDIES["shard_map"] = (
        "mesh",
        shifted_root_rule(page["with_rule"](shifted_and_dependent, page["as_it_is"])),
        shifted_root_rule(page["with_rule"](shifted_and_dependent)),
    )
if jax.__version_info__ < (0, 12):
    REMEDIES["custom_jvp in a scan"] = (
        "recurrent_scan",
        root_rule(both_modes, forward_mode=True),
        root_rule(protected(both_modes), forward_mode=True),
    )


@pytest.mark.parametrize("symptom", REMEDIES)
def test_a_remedy_mends_what_its_check_finds(symptom: str) -> None:
    name, before, after = REMEDIES[symptom]
    with pytest.raises(AssertionError, match=name):
        check_named(before, name)()
    check_named(after, name)()


# Descriptions


def test_a_check_that_is_left_out_says_why() -> None:
    rule = Rule(jnp.tanh, jnp.tanh, skip={"points": "a reason"})
    with pytest.raises(SkipTest, match=r"^a reason$"):
        check_named(rule, "points")()
    reasons = {
        "vmap_over_parameters": "no parameter is a float",
        "integers": "parameters aren't single floats",
        "arguments_alone": "the function has one argument, an array",
        "outputs_alone": "the function has one result, an array",
        "forward_mode": "forward_mode or second is False",
        "bad": "no bad parameters are given",
        "edges": "element_by_element is True, so `points` and `shape_...` do this",
        "memory": "JAX chooses what is stored, without jax.custom_vjp; memory=True checks it",
    }
    for name, reason in reasons.items():
        with pytest.raises(SkipTest, match=f"^{reason}$"):
            check_named(rule, name)()
    with pytest.raises(SkipTest, match=r"^more than 4 arrays of x are joined"):
        check_named(five_logarithms(), "outputs_alone")()
    with pytest.raises(SkipTest, match=r"^element_by_element is False$"):
        check_named(dataclasses.replace(rule, element_by_element=False), "shape_1_6")()


@pytest.mark.parametrize("name", ["recurrent_scan", "scan_in_scan", "checkpointed_scan", "mesh"])
def test_where_jax_refuses_a_stored_key_the_remedy_is_named(name: str) -> None:
    stored_key = Result.of(check_named(dropout_rule(same, same), name))
    is_named = "store jax.random.key_data(key) in its place" in stored_key.message
    # JAX 0.6.1 takes it
    assert stored_key.outcome == "passed" or is_named, stored_key
    check_named(dropout_rule(jax.random.key_data, jax.random.wrap_key_data), name)()


def test_an_error_of_the_rule_is_a_failure_in_a_program() -> None:
    without_parameter = with_backward(tanh_of_width, lambda kept, cotangent: (cotangent,))
    with pytest.raises(AssertionError, match=r"^tanh_of_width in one_call .* fails: TypeError"):
        check_named(described_as_bell(without_parameter, **WIDTHS), "one_call")()


def test_edges_at_which_value_is_nan_are_no_success() -> None:
    def value(x: Any) -> Any:
        return jnp.where(((x > 0) & (x < 2)).all(), x.sum(), jnp.nan)

    rule = Rule(value, value, x=POSITIVE, element_by_element=False)
    with pytest.raises(SkipTest, match=r"^value is NaN with each edge$"):
        check_named(rule, "edges")()


def test_a_reference_in_32_bits_is_named() -> None:
    def value(x: Any) -> Any:
        if x.dtype != jnp.float32:
            raise TypeError("only float32")
        return jnp.tanh(x)

    rule = Rule(with_backward(value, lambda kept, ct: (2 * ct,)), value)
    said = r"wrong\); the reference isn't in 64 bits: TypeError: only float32$"
    with pytest.raises(AssertionError, match=said):
        check_named(rule, "points")()


def test_each_argument_is_alone_once() -> None:
    """With a derivative, and in a batch, however many there are."""

    def product(*arguments: Any) -> Any:
        return jnp.prod(jnp.stack(arguments))

    results = relugrad.testing.arguments_alone(product, *map(jnp.float32, range(1, 7)))
    assert [result.shape for result in results] == [(), (4,)] * 6


def test_a_check_that_compares_too_little_is_skipped() -> None:
    """Autodiff has no slope for negative numbers: it multiplies infinity by 0."""

    def value(x: Any) -> Any:
        return jnp.where(x > 0, jnp.sqrt(jnp.maximum(x, 0)), 0)

    rule = Rule(value, value, x=POSITIVE)
    with pytest.raises(SkipTest, match=r"^not compared: [\d,]+ of [\d,]+ numbers, at which plain"):
        check_named(rule, "points")()


def test_what_is_not_compared_is_counted() -> None:
    """At 0, the logarithm has an infinite slope; that of zero isn't one."""
    function = with_backward(jnp.log, lambda kept, ct: (ct / (kept[0] + 1e-38),))
    assert check_named(Rule(function, jnp.log, x=POSITIVE), "points")().startswith("not compared: ")


def test_the_reason_names_what_jax_cannot_run() -> None:
    with pytest.raises(SkipTest, match=r"x in float16: plain JAX .* fails: "):
        check_named(RIGHT["a matrix"][1], "dtypes")()


def test_a_program_of_ones_own_is_a_check() -> None:
    def layer(f: Function, x: Any, *parameters: Any) -> Any:
        return jnp.tanh(f(x, *parameters))

    rule = bell_rule(slope=lambda x, p: 2 * bell(x, p), programs={"layer": layer})
    with pytest.raises(AssertionError, match=r"^gradient by x of .* in layer with width = 0.3 is"):
        check_named(rule, "layer")()


@pytest.mark.parametrize("make", [dataclasses.replace, copy.copy, copy.deepcopy])
def test_a_description_made_from_another_keeps_nothing_of_it(make: Function) -> None:
    """A derived slope would pass here: sin with the slope of tanh."""
    changed = {"function": jnp.sin, "value": jnp.sin} if make is dataclasses.replace else {}
    described = Rule(jnp.tanh, jnp.tanh)
    check_named(described, "points")()
    rule = make(described, **changed)
    check_named(rule, "points")()
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule.value = jnp.cos


MISFITS: list[dict[str, Any]] = [
    {"points": POSITIVE},
    {"points": (POSITIVE,)},
    {"points": jnp.arange(4)},
    {"x": jnp.arange(4)},
    {"x": POSITIVE * jnp.inf},
    {"value": lambda x: (jnp.tanh(x), jnp.argmax(x))},
    {"parameters": [(1.0,), (1.0, 2.0)]},
    {"bad": [jnp.nan]},
    {"parameters": ()},
    {"parameters": (0.3,)},
    {"parameters": [(2,), (0.5,)]},
    {"skip": {"memories": "not its name"}},
    {"programs": {"points": lambda f, x: f(x)}},
    {"change": lambda dx, x: dx.sum()},
    {"domain": (0.0, 1.0)},
    {"domain": ((0.0, 1.0), 2.0)},
    {"without_gradient": ["width"]},
]


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_does_not_fit_together_is_named(misfit: dict[str, Any]) -> None:
    arguments: Any = {"value": jnp.tanh} | misfit
    with pytest.raises(ValueError, match=f"^{next(iter(misfit))}"):
        Rule(jnp.tanh, **arguments)


def test_a_domain_holds_for_each_array() -> None:
    """Of a pair, the second may not be negative, and the plain function has a jump there."""

    def value(pair: Any) -> Any:
        return pair[0] * jnp.sqrt(pair[1])

    x = (jnp.array([-1.7, 0.4]), jnp.array([0.3, 0.9]))
    rule = Rule(value, value, x=x, domain=((-np.inf, 0.0), (np.inf, 1.0)))
    first, second = rule.points_of_calls
    assert float(first.min()) < -1
    assert float(second.min()) == 0
    assert float(second.max()) == 1
    check_named(rule, "vmap_in_vmap")()


def test_checks_are_always_the_same_and_start_with_the_fast_ones() -> None:
    """Which of them a description gets is shown by the reason for which others are skipped."""
    names = [check.__name__ for check in Rule(jnp.tanh, jnp.tanh).checks()]
    assert names == [check.__name__ for check in bell_rule().checks()]
    assert {name for name, _ in WRONG.values()} <= {*names}
    fast = [check.__name__ for check in Rule(jnp.tanh, jnp.tanh).checks(fast=True)]
    assert fast == FAST


def test_the_fast_checks_find_most_mistakes() -> None:
    found = [name for name, _ in WRONG.values() if name in FAST]
    assert len(found) >= 20 / 26 * len(WRONG)


def test_run_shows_all_checks_and_raises_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """Also those that come after one that is skipped or fails."""
    skip = {name: "not now" for name in FAST if name not in ("nan", "bad")}
    rule = dataclasses.replace(
        bell_rule(slope=lambda x, p: jnp.nan_to_num(bell(x, p)) + 1), skip=skip
    )
    with pytest.raises(
        AssertionError, match=r"^gradient by x of .* in nan with width = 0.3, with "
    ):
        rule.run(fast=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(FAST)
    outcomes = [line.split()[1:3] for line in lines]
    assert ["points", "skipped"] in outcomes
    assert outcomes.index(["nan", "failed"]) < outcomes.index(["one_call", "skipped"])


def test_run_counts_the_other_failures() -> None:
    kept = ("points", "cotangents", "nan")
    skip = {name: "not now" for name in FAST if name not in kept}
    rule = tanh_rule(lambda x, ct: 2 * ct * tanh_slope(x), skip=skip)
    with pytest.raises(AssertionError, match=r"(?s)in points.*\n1 other check fails: cotangents$"):
        rule.run(fast=True, quiet=True)


def test_run_says_no_more_if_one_check_fails() -> None:
    skip = {name: "not now" for name in FAST if name != "points"}
    rule = tanh_rule(lambda x, ct: 2 * ct * tanh_slope(x), skip=skip)
    with pytest.raises(AssertionError, match=r"in points .* numbers are wrong\)$"):
        rule.run(fast=True, quiet=True)


# The module

IMPORT = """
import os, jax, sys
before = dict(os.environ), dict(jax.config.values)
import relugrad
assert "relugrad.testing" not in sys.modules
assert relugrad.__all__ == ["ReluGrad", "relu_grad"]
import relugrad.testing
assert before == (dict(os.environ), dict(jax.config.values))
jax.config.update("jax_num_cpu_devices", 2)  # an error if JAX has started
"""


def test_importing_it_changes_nothing_and_the_package_does_not() -> None:
    subprocess.run([sys.executable, "-c", IMPORT], check=True)


ALONE = """
import sys
sys.modules["relugrad"] = None  # importing it is an error
import jax, testing
testing.Rule(jax.nn.softplus, jax.nn.softplus).run(fast=True)
"""


ONE_DEVICE = """
import unittest
import jax
from relugrad.testing import Result, Rule
(mesh,) = (check for check in Rule(jax.nn.relu, jax.nn.relu).checks() if check.__name__ == "mesh")
try:
    mesh()
except unittest.SkipTest as skipped:
    print(skipped)
"""


def test_one_device_is_not_enough_for_a_mesh() -> None:
    command = [sys.executable, "-c", ONE_DEVICE]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed == "one device: jax.config.update('jax_num_cpu_devices', 2) makes two CPUs\n"


def test_a_copy_of_the_file_works_alone(tmp_path: Path) -> None:
    source = Path(relugrad.testing.__file__)
    (tmp_path / "testing.py").write_bytes(source.read_bytes())
    printed = subprocess.run(
        [sys.executable, "-c", ALONE], check=True, cwd=tmp_path, capture_output=True, text=True
    ).stdout
    assert "passed" in printed
    assert "failed" not in printed


def test_the_page_shows_what_is_said_of_an_infinite_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """If relu_backward of its example forgets it."""
    example = importlib.import_module("test_relu")

    def without_width(residuals: Any, cotangent: Any) -> Any:
        x, width = residuals
        return cotangent * jax.nn.sigmoid(x / width), None

    monkeypatch.setattr(example.relu, "bwd", without_width)
    rule = dataclasses.replace(example.RELU)
    with pytest.raises(AssertionError, match=r"^gradient by x of relu in bad with width = inf is"):
        check_named(rule, "bad")()
