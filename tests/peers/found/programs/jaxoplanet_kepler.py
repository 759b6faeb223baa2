"""jaxoplanet: Kepler's equation has no solution in float16, where bfloat16 has one."""

import jax.numpy as jnp
from jaxoplanet.core.kepler import kepler

for dtype in (jnp.float32, jnp.bfloat16, jnp.float16):
    sine, cosine = kepler(dtype(1.0), dtype(0.3))
    print(f"{dtype.__name__}: {sine}, {cosine}")
assert jnp.isnan(sine), "mended: take it off the page"
