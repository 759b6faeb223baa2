"""optax: the derivative by a label of 0 is lost if a value comes with a gradient."""

import jax
import jax.numpy as jnp
from optax import safe_softmax_cross_entropy as loss

logits, labels = jnp.array([0.0, 1.0, 2.0]), jnp.array([0.0, 0.5, 0.5])


def value(labels):  # the same number as the loss
    return jax.value_and_grad(loss)(logits, labels)[0]


right, found = jax.grad(loss, 1)(logits, labels), jax.grad(value)(labels)
print(f"gradient by labels: {found}, right, without value_and_grad: {right}")
assert not jnp.allclose(found, right), "mended: take it off the page"
