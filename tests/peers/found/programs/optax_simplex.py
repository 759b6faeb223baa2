"""optax: the projection onto a simplex has no gradient in bfloat16."""

import jax
import jax.numpy as jnp
from optax.projections import projection_simplex


def first_number(x):
    return projection_simplex(x)[0]


x = [0.1, 0.5, 0.3]
print(f"in float32: {jax.grad(first_number)(jnp.array(x))}")
try:
    print(f"in bfloat16: {jax.grad(first_number)(jnp.array(x, 'bfloat16'))}")
except TypeError as error:
    print(f"in bfloat16: TypeError: {str(error).splitlines()[0]}")
else:
    raise AssertionError("mended: take it off the page")
