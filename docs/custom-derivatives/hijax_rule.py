"""The square root with one rule for both modes, as a primitive of hijax (JAX 0.12)."""

import jax
import jax.numpy as jnp
from jax.experimental import hijax


class Root(hijax.HiPrim):
    def __init__(self, x, smallest):  # their shapes and dtypes
        self.in_avals, self.out_aval = (x, smallest), x
        self.params = {}
        super().__init__()

    def expand(self, x, smallest):
        result = jnp.sqrt(x)
        return result + jnp.asarray(0 * smallest, result.dtype)

    def jvp(self, arguments, tangents):
        result = self(*arguments)
        slope = 1 / (2 * jnp.maximum(result, arguments[1]))
        change = slope * hijax.instantiate_zeros(tangents[0])
        return result, change.astype(result.dtype)

    lin, linearized = hijax.linearize_from_jvp
    vjp_fwd, vjp_bwd_retval = hijax.vjp_from_jvp

    def batch(self, axis, arguments, dims):
        if all(dim is None for dim in dims):
            return self(*arguments), None
        x, smallest = hijax.bdims_at_front(axis, arguments, dims)
        missing = range(1, 1 + x.ndim - smallest.ndim)
        return root(x, jnp.expand_dims(smallest, missing)), 0


def root(x, smallest):
    x, smallest = jnp.asarray(x), jnp.asarray(smallest)
    return Root(jax.typeof(x), jax.typeof(smallest))(x, smallest)
