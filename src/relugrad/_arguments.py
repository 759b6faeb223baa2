"""What is accepted as x, alpha and width, and how the three become ready to be computed with."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.lax import stop_gradient

# Types of real numbers. Those of less than 8 bits, and float8_e8m0fnu, lack NaN, 0, or a sine.
REAL = re.compile(r"(bfloat|float|u?int)(8|16|32|64)?(_e[345].*)?")


def as_array(value: Any) -> Any:
    """``value``, or the array that it stands for, as a Flax variable does."""
    convert = getattr(value, "__jax_array__", None)  # None for a tracer
    return convert() if convert else value


def checked_parameter(name: str, value: Any) -> Any:
    """``value`` as a ``ReluGrad`` keeps it: a float, or an array that nobody can change."""
    if isinstance(value, float) and 0 < value < jnp.inf:  # nearly always, and fast
        return float(value)
    _check_types(**{name: (value := as_array(value))})
    if isinstance(value, Tracer) or not getattr(value, "is_fully_addressable", True):
        return value  # can't be looked at: a bad one will show as NaN
    array = np.asarray(value)
    if (bad := array[~((array > 0) & (array < jnp.inf))]).size:
        raise ValueError(f"{name} must be positive and finite; got {bad[0]}")
    # Integers become floats: those of 64 bits would lose their upper half.
    return jnp.array(value, jax.eval_shape(jnp.sin, value).dtype) if array.ndim else float(array)


def after_promotion(formula: Callable[..., Array]) -> Callable[..., Array]:
    """``formula`` as a function of all that is accepted.

    It gets x in the shape and the dtype of the result, the parameters in the slope's dtype,
    and x as NaN where a parameter is bad.
    """

    def relugrad(x: Any, alpha: Any, width: Any) -> Array:  # the name in a profile
        _check_types(x=x, alpha=alpha, width=width)
        try:
            shape = jnp.broadcast_shapes(*map(jnp.shape, (x, alpha, width)))
        except ValueError as error:
            raise ValueError(f"x, alpha and width must broadcast. {error}") from None
        x = jnp.asarray(x, jax.eval_shape(jnp.sin, x).dtype)
        wide = np.promote_types(x.dtype, np.float32)  # 16 bits are rounded once
        alpha, width = (jnp.array(p, wide, ndmin=len(shape)) for p in (alpha, width))
        # 0, but NaN unless both are positive and finite, and the peak finite. In the sum,
        # x is sharded over devices, and batched by vmap, as the result is. (XLA leaves out
        # a sum with 0, and not one with -0.)
        zero = stop_gradient(jnp.abs(0 * (jnp.log(alpha) + jnp.log(width) + alpha * width)))
        x = jnp.broadcast_to(x, shape) + zero.astype(x.dtype)
        return formula(x, alpha, width).astype(x.dtype)

    return relugrad


def call_checked(function: Callable[..., Array], x: Any, alpha: Any, width: Any) -> Array:
    """Call a jitted function; what it does not accept is an error that names the argument."""
    try:
        return function(as_array(x), alpha, width)
    except TypeError:  # from JAX, for what it can't trace: a string, an object
        _check_types(x=as_array(x), alpha=alpha, width=width)
        raise


def _check_types(**arguments: Any) -> None:
    for name, value in arguments.items():
        is_array = isinstance(value, (Array, np.ndarray, np.generic))
        kind = str(value.dtype) if is_array else type(value).__name__
        if not REAL.fullmatch(kind) and (name, kind) != ("x", "bool"):
            message = f"{name} must be a real number or an array of real numbers; got {kind}"
            raise TypeError(message) from None
