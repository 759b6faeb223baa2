"""A spike function with one rule for both modes, as a primitive of hijax (JAX 0.12)."""

# ruff: noqa: D101, D102, D103
import jax
import jax.numpy as jnp
from jax.experimental import hijax


class Spike(hijax.HiPrim):
    def __init__(self, *arguments):  # shapes and dtypes of x, alpha and width
        self.in_avals, self.out_aval = arguments, arguments[0]
        self.params = {}
        super().__init__()

    def expand(self, x, alpha, width):
        x = jnp.where(jnp.isnan(alpha * width), jnp.nan, x)
        spikes = jnp.where(x >= 0, 1, jnp.where(x < 0, 0, x))
        return spikes.astype(self.out_aval.dtype)

    def jvp(self, arguments, tangents):
        x, alpha, width = arguments
        slope = alpha * jax.nn.relu(width - jnp.abs(x))
        change = slope * hijax.instantiate_zeros(tangents[0])
        return self(*arguments), change.astype(x.dtype)

    lin, linearized = hijax.linearize_from_jvp
    vjp_fwd, vjp_bwd_retval = hijax.vjp_from_jvp

    def batch(self, axis, arguments, dims):
        if all(dim is None for dim in dims):
            return self(*arguments), None
        x, *others = hijax.bdims_at_front(axis, arguments, dims)
        missing = [range(1, 1 + x.ndim - p.ndim) for p in others]
        return apply(x, *map(jax.lax.expand_dims, others, missing)), 0


def apply(*arguments):
    return Spike(*map(jax.typeof, arguments))(*arguments)


def spike(x, alpha, width):
    alpha, width = jnp.float32(alpha), jnp.float32(width)
    zero = 0 * (jnp.log(alpha) + jnp.log(width))  # NaN if invalid
    return apply(x, alpha + zero, width)
