"""optax: forward mode gives NaN for a logit of -inf with the label 0; reverse mode doesn't."""

import jax
import jax.numpy as jnp
from optax import safe_softmax_cross_entropy


def loss(logits):
    return safe_softmax_cross_entropy(logits, jnp.array([0.5, 0.5, 0.0]))


logits = jnp.array([0.0, 1.0, -jnp.inf])
forward, reverse = jax.jacfwd(loss)(logits), jax.jacrev(loss)(logits)
print(f"jacfwd: {forward}, right, by jacrev: {reverse}")
assert jnp.isnan(forward).any(), "mended: take it off the page"
