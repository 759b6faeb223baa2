"""ott-jax: logsumexp returns 0 where it isn't finite, if a gradient is computed."""

import jax
import jax.numpy as jnp
from ott.math.utils import logsumexp

wrong = False
for x in ([-jnp.inf, -jnp.inf], [1.0, jnp.nan], [1.0, jnp.inf]):
    called = logsumexp(jnp.array(x))
    value, _ = jax.value_and_grad(logsumexp)(jnp.array(x))
    print(f"logsumexp of {x}: {called}, with a gradient: {value}, right: {called} for both")
    wrong |= not jnp.array_equal(value, called, equal_nan=True)
assert wrong, "mended: take it off the page"
