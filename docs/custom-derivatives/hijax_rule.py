"""Rounding with one rule for both modes, as a primitive of hijax (JAX 0.12)."""

# ruff: noqa: D101, D102, D103
import jax
import jax.numpy as jnp
from jax.experimental import hijax


class Quantize(hijax.HiPrim):
    def __init__(self, x, sharpness):  # their shapes and dtypes
        self.in_avals, self.out_aval = (x, sharpness), x
        self.params = {}
        super().__init__()

    def expand(self, x, sharpness):
        value = jnp.clip(jnp.round(x), -7, 7)
        return value + jnp.asarray(0 * sharpness, value.dtype)

    def jvp(self, arguments, tangents):
        x, sharpness = arguments
        distance = jnp.abs(x - jnp.round(x))
        slope = 1 + sharpness * (4 * distance - 1)
        slope = jnp.where(jnp.abs(x) > 7.5, 0, slope)
        change = slope * hijax.instantiate_zeros(tangents[0])
        return self(*arguments), change.astype(x.dtype)

    lin, linearized = hijax.linearize_from_jvp
    vjp_fwd, vjp_bwd_retval = hijax.vjp_from_jvp

    def batch(self, axis, arguments, dims):
        if all(dim is None for dim in dims):
            return self(*arguments), None
        x, sharpness = hijax.bdims_at_front(axis, arguments, dims)
        missing = range(1, 1 + x.ndim - sharpness.ndim)
        return quantize(x, jnp.expand_dims(sharpness, missing)), 0


def quantize(x, sharpness):
    x, sharpness = jnp.asarray(x), jnp.asarray(sharpness)
    return Quantize(jax.typeof(x), jax.typeof(sharpness))(x, sharpness)
