"""TensorFlow Probability on JAX: a Bessel function of NaN is a finite number."""

import jax.numpy as jnp
from tensorflow_probability.substrates.jax.math import bessel_kve

value = bessel_kve(0.5, jnp.float32(jnp.nan))
print(f"bessel_kve(0.5, nan): {value}, right: nan")
assert not jnp.isnan(value), "mended: take it off the page"
