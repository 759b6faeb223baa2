"""ott-jax: the gradient of softmin by gamma is 0."""

import jax
import jax.numpy as jnp
from ott.math.utils import softmin


def soft_minimum(gamma):
    return softmin(jnp.array([1.0, 2.0]), gamma)


gradient = jax.grad(soft_minimum)(0.5)
difference = (soft_minimum(0.51) - soft_minimum(0.49)) / 0.02
print(f"gradient: {gradient:.3f}, right: {difference:.3f}")
assert abs(gradient - difference) > 0.01, "mended: take it off the page"
