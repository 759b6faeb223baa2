"""A derivative rule of brax."""

import jax
import jax.numpy as jnp
from brax.math import safe_arccos
from tests.peers.found.tried import Tried

from relugrad.testing import Rule


def arccos() -> Rule:
    """The arc cosine; near -1 and 1, its slope stays finite."""

    def change(dx: jax.Array, x: jax.Array) -> jax.Array:
        near = jnp.clip(x, -1 + 1e-7, 1 - 1e-7)
        return -dx / jnp.sqrt(1 - near**2)

    return Rule(
        safe_arccos,
        jnp.arccos,
        change,
        x=jnp.array([-0.7, -0.4, 0.3, 0.8]),
        domain=(-1.0, 1.0),
        forward_mode=True,
    )


TRIED = [
    Tried("brax.math.safe_arccos", "math.py safe_arccos", arccos, {"brax_safe_arccos": "dtypes"})
]
