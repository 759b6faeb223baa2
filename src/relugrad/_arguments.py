"""What is accepted as x, alpha and width, and how the three become ready to be computed with."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

_REAL = (jnp.floating, jnp.integer)


def as_array(value: Any) -> Any:
    """``value``, or the array that it stands for, as a Flax variable does."""
    convert = getattr(value, "__jax_array__", None)  # None for a tracer
    return convert() if convert else value


def known_parameter(name: str, value: Any) -> Any:
    """``value`` as a ``ReluGrad`` keeps it: a float, or an array that nobody can change."""
    if isinstance(value, float) and 0 < value < np.inf:  # nearly always, and fast
        return float(value)
    value = as_array(value)
    _check_type(name, value, *_REAL)
    if isinstance(value, Array) and (isinstance(value, Tracer) or not value.is_fully_addressable):
        return value  # can't be looked at: a bad one will show as NaN
    numbers = np.asarray(value)
    bad = numbers[~((numbers > 0) & (numbers < np.inf))]
    if bad.size:
        raise ValueError(f"{name} must be positive and finite; got {bad[0]}")
    return jnp.array(value) if numbers.ndim else float(numbers)


def promote(x: Any, alpha: Any, width: Any) -> tuple[Any, tuple[Array, Array, Array]]:
    """The dtype of the result, and the arguments in the dtype in which it is computed."""
    _check_type("x", x, *_REAL, jnp.bool_)
    _check_type("alpha", alpha, *_REAL)
    _check_type("width", width, *_REAL)
    try:
        jnp.broadcast_shapes(x.shape, alpha.shape, width.shape)
    except ValueError as error:
        raise ValueError(f"x, alpha and width must broadcast. {error}") from None
    dtype = jax.eval_shape(jnp.sin, x).dtype
    wide = jnp.float32 if dtype.itemsize < 4 else dtype  # rounded once
    alpha, width = alpha.astype(wide), width.astype(wide)
    valid = (alpha > 0) & (alpha < jnp.inf) & (width > 0) & (width < jnp.inf)
    # A 0 that is made of the parameters, and NaN where one of them is bad. Now x
    # depends on both as data: vmap over a parameter batches x as well (else the
    # cotangent of a shared x would be wrong), and shard_map divides it.
    return dtype, (x.astype(wide) + 0 / valid.astype(wide), alpha, width)


def _check_type(name: str, value: Any, *kinds: Any) -> None:
    dtype = getattr(value, "dtype", type(value))
    is_number = isinstance(value, (Array, np.ndarray, np.generic, float, int))
    if not (is_number and any(jnp.issubdtype(dtype, kind) for kind in kinds)):
        # The type and not the value, which may be a tracer.
        raise TypeError(f"{name} must be a real number or an array of real numbers; got {dtype}")
