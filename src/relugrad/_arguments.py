"""What is accepted as x, alpha, width and forward_mode, and how it becomes ready for a formula."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.lax import stop_gradient

# Real numbers; but float8_e8m0fnu has no 0, and types of less than 8 bits have no NaN or no sine.
REAL = re.compile(r"(bfloat|float|u?int)(8|16|32|64)?(_e[345].*)?")


def require_real(**arguments: Any) -> None:
    """Raise an error that names the first argument that isn't a real number or an array of them."""
    for name, value in arguments.items():
        is_array = isinstance(value, (Array, np.ndarray, np.generic))
        type_name = str(value.dtype) if is_array else type(value).__name__
        if not REAL.fullmatch(type_name) and (name, type_name) != ("x", "bool"):
            message = f"{name} must be a real number or an array of real numbers; got {type_name}"
            raise TypeError(message) from None  # in place of what JAX said


def require_bool(name: str, value: Any) -> None:
    """Raise an error unless the value is True or False."""
    if type(value) is not bool:
        raise TypeError(f"{name} must be True or False; got {value!r}")


def is_valid(parameter: Any) -> Any:
    """Whether alpha or width, or each number of an array of them, can be used."""
    return (parameter > 0) & (parameter < np.inf)


def zero_or_nan(alpha: Array, width: Array) -> Array:
    """0, but NaN unless both are positive and finite, and the peak finite; for traced values."""
    # By log: XLA takes exp(v) > 0 for true, also where v is NaN. Its own gradient could overflow.
    zero = 0 * (jnp.log(alpha) + jnp.log(width) + alpha * width)
    return stop_gradient(jnp.abs(zero))  # XLA leaves out a sum with 0, and not one with -0


def as_array(value: Any) -> Any:
    """``value``, or the array that it stands for, as a Flax variable does."""
    convert = getattr(value, "__jax_array__", None)  # None for a tracer
    return convert() if convert else value


def float_dtype(value: Any) -> Any:
    """The dtype of floats, and for integers and booleans the one to which JAX promotes them."""
    return jax.eval_shape(jnp.sin, value).dtype


def as_float(name: str, integer: int) -> float:
    """``integer`` as a float, or an error that doesn't print its hundreds of digits."""
    try:
        return float(integer)
    except OverflowError:
        message = f"{name} must be positive and finite; got an integer that no float can hold"
        raise ValueError(message) from None


def checked_parameter(name: str, value: Any) -> Any:
    """``value`` as a ``ReluGrad`` keeps it: a float, or an array that nobody can change."""
    if isinstance(value, float) and is_valid(value):  # nearly always, and fast
        return float(value)
    value = as_array(value)
    require_real(**{name: value})
    if isinstance(value, int):
        value = as_float(name, value)
    if isinstance(value, Tracer) or not getattr(value, "is_fully_addressable", True):
        return value  # traced, or on other hosts: zero_or_nan will look at its numbers
    numbers = np.asarray(value)
    invalid = numbers[~is_valid(numbers)]
    if invalid.size:
        raise ValueError(f"{name} must be positive and finite; got {invalid[0]}")
    # A number becomes a float, so that all share a program; an array is copied, so that its owner
    # can't change it. Integers become floats here: JAX would cut those of 64 bits in half.
    return jnp.array(value, float_dtype(value)) if numbers.ndim else float(numbers)


def on_checked_arrays(formula: Callable[..., Array]) -> Callable[..., Array]:
    """``formula`` as a function of all that is accepted; x is NaN where a parameter isn't valid."""

    def relugrad(x: Any, alpha: Any, width: Any) -> Array:  # the name in a profile
        require_real(x=x, alpha=alpha, width=width)
        try:
            shape = jnp.broadcast_shapes(*map(jnp.shape, (x, alpha, width)))
        except ValueError as error:
            raise ValueError(f"x, alpha and width must broadcast. {error}") from None
        x = jnp.asarray(x, float_dtype(x))
        dtype = np.promote_types(x.dtype, np.float32)  # so that 16 bits are rounded once
        # Not broadcast: of a number, the backward pass stores one, and not one for each x.
        alpha, width = (jnp.array(p, dtype, ndmin=len(shape)) for p in (alpha, width))
        # Without this sum, where vmap batches alpha alone, a gradient is multiplied by the size of
        # the batch (before JAX 0.12, and in forward mode still), or raises. It also shards x.
        x = jnp.broadcast_to(x, shape) + zero_or_nan(alpha, width).astype(x.dtype)
        return formula(x, alpha, width).astype(x.dtype)

    return relugrad


def call_checked(function: Callable[..., Array], x: Any, alpha: Any, width: Any) -> Array:
    """Call a jitted function; what it does not accept is an error that names the argument."""
    x = as_array(x)
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype in (np.int64, np.uint64):
        x = x.astype(float_dtype(x))  # unless 64-bit types are enabled, JAX would cut it in half
    try:
        return function(x, alpha, width)
    except TypeError:  # from JAX, for what it can't trace: a string, an object
        require_real(x=x, alpha=alpha, width=width)
        raise
