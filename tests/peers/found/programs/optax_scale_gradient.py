"""optax: a gradient in float32 for x in bfloat16, and no scale that jax.jit traces."""

import jax
import jax.numpy as jnp
from optax import scale_gradient

gradient = jax.grad(scale_gradient)(jnp.bfloat16(1), jnp.float32(0.5))
print(f"x in bfloat16: a gradient in {gradient.dtype}, right: bfloat16")


def scaled_gradient(x, scale):
    return jax.grad(scale_gradient)(x, scale)


raises = False
try:
    print(f"a traced scale: {jax.jit(scaled_gradient)(1.0, 0.5)}")
except jax.errors.TracerBoolConversionError:
    print("a traced scale: TracerBoolConversionError, right: 0.5")
    raises = True
assert gradient.dtype != "bfloat16" or raises, "mended: take it off the page"
