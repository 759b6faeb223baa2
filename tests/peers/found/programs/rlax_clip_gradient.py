"""rlax: a gradient in float32 for x in float16, and no vmap over the bounds."""

import jax
import jax.numpy as jnp
from rlax import clip_gradient

gradient = jax.grad(clip_gradient)(jnp.float16(3), jnp.float32(-1), jnp.float32(1))
print(f"x in float16: a gradient in {gradient.dtype}, right: float16")


def clipped(x, bound):
    return clip_gradient(x, -bound, bound)


def swept(x):
    bounds = jnp.array([0.5, 1.0, 2.0])
    return jax.vmap(clipped, (None, 0))(x, bounds).sum()


raises = False
try:
    print(f"bounds under vmap: {jax.grad(swept)(1.0)}, right: 0.5 + 1 + 1 = 2.5")
except ValueError:
    print("bounds under vmap: ValueError, right: 0.5 + 1 + 1 = 2.5")
    raises = True
assert gradient.dtype != "float16" or raises, "mended: take it off the page"
