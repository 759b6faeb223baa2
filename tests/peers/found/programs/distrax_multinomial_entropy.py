"""distrax: the entropy of a multinomial distribution has no gradient."""

import jax
import jax.numpy as jnp
from distrax import Multinomial


def entropy(p):
    return Multinomial(total_count=2, probs=jnp.array([p, 1 - p])).entropy()


difference = (entropy(0.31) - entropy(0.29)) / 0.02
try:
    print(f"gradient: {jax.grad(entropy)(0.3)}, right: {difference:.3f}")
except TypeError as error:
    print(f"gradient: TypeError: {str(error).split('.')[0]}, right: {difference:.3f}")
else:
    raise AssertionError("mended: take it off the page")
