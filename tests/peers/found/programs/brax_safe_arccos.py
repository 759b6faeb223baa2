"""brax: the slope of safe_arccos, which is bounded in float32, is infinite in 16 bits."""

import jax
import jax.numpy as jnp
from brax.math import safe_arccos

for dtype in (jnp.float32, jnp.bfloat16):
    slope = jax.grad(safe_arccos)(dtype(1))
    print(f"slope at 1 in {dtype.__name__}: {slope}")
assert jnp.isinf(slope), "mended: take it off the page"
