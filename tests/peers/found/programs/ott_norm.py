"""ott-jax: the norm of zeros changes if a gradient is computed, and a row of zeros gives NaN."""

import jax
import jax.numpy as jnp
from ott.math.utils import norm

zeros = jnp.zeros(3)
value, _ = jax.value_and_grad(norm)(zeros)
print(f"value: {norm(zeros):.3f}, with a gradient: {value:.3f}, right: 0 for both")


def sum_of_norms(rows):
    return norm(rows, None, 1).sum()


gradient = jax.grad(sum_of_norms)(jnp.array([[3.0, 4.0], [0.0, 0.0]]))
print(f"gradient of two rows: {gradient.tolist()}, right: [[0.6, 0.8], [0.0, 0.0]]")
assert value != 0 or jnp.isnan(gradient).any(), "mended: take it off the page"
