"""What is accepted as x, alpha and width, and how the three become ready to be computed with."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


def as_array(value: Any) -> Any:
    """``value``, or the array that it stands for, as a Flax variable does."""
    convert = getattr(value, "__jax_array__", None)  # None for a tracer
    return convert() if convert else value


def known_parameter(name: str, value: Any) -> Any:
    """``value`` as a ``ReluGrad`` keeps it: a float, or an array that nobody can change."""
    if isinstance(value, float) and _in_range(value):  # nearly always, and fast
        return float(value)
    value = as_array(value)
    _check_type(name, value)
    if isinstance(value, Tracer) or not getattr(value, "is_fully_addressable", True):
        return value  # can't be looked at: a bad one will show as NaN
    numbers = np.asarray(value)
    bad = numbers[~_in_range(numbers)]
    if bad.size:
        raise ValueError(f"{name} must be positive and finite; got {bad[0]}")
    return jnp.array(value) if numbers.ndim else float(numbers)


def promote(x: Any, alpha: Any, width: Any) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The arguments, x in the dtype of the result and the parameters in that of the slope."""
    _check_type("x", x, jnp.bool_)
    _check_type("alpha", alpha)
    _check_type("width", width)
    try:
        jnp.broadcast_shapes(x.shape, alpha.shape, width.shape)
    except ValueError as error:
        raise ValueError(f"x, alpha and width must broadcast. {error}") from None
    x = x.astype(jax.eval_shape(jnp.sin, x).dtype)
    wide = np.promote_types(x.dtype, np.float32)  # 16 bits are rounded once
    alpha, width = alpha.astype(wide), width.astype(wide)
    valid = _in_range(alpha) & _in_range(width)
    width = jnp.where(valid, width, jnp.nan)  # so that all that is made of it is NaN
    # x, but made of the parameters as well: vmap over one of them batches x too
    # (else the cotangent of a shared x is wrong), and shard_map divides it.
    return jnp.where(valid | True, x, jnp.nan), alpha, width


def _in_range(parameter: Any) -> Any:
    return (parameter > 0) & (parameter < jnp.inf)


def _check_type(name: str, value: Any, *others: Any) -> None:
    dtype = getattr(value, "dtype", type(value))
    kinds = (jnp.floating, jnp.integer, *others)
    is_number = isinstance(value, (jax.Array, np.ndarray, np.generic, float, int))
    if not (is_number and any(jnp.issubdtype(dtype, kind) for kind in kinds)):
        # The type and not the value, which may be a tracer.
        raise TypeError(f"{name} must be a real number or an array of real numbers; got {dtype}")
