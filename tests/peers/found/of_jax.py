"""The derivative rules of jax.nn."""

import jax
import jax.numpy as jnp
from tests.peers.found.tried import Tried

from relugrad.testing import Rule


def relu() -> Rule:
    """Where x isn't positive, 0."""
    return Rule(jax.nn.relu, lambda x: jnp.where(x > 0, x, 0), forward_mode=True)


def relu6() -> Rule:
    """The same, and at most 6."""

    def value(x: jax.Array) -> jax.Array:
        return jnp.where(x <= 0, 0, jnp.where(x >= 6, 6, x))

    return Rule(jax.nn.relu6, value, forward_mode=True)


def softmax() -> Rule:
    """Exponential functions, divided by their sum."""

    def value(x: jax.Array) -> jax.Array:
        exponentials = jnp.exp(x - jax.lax.stop_gradient(x.max(-1, keepdims=True)))
        return exponentials / exponentials.sum(-1, keepdims=True)

    return Rule(jax.nn.softmax, value, element_by_element=False, forward_mode=True)


def log1mexp() -> Rule:
    """The logarithm of 1 - exp(-x)."""

    def value(x: jax.Array) -> jax.Array:
        return jnp.log(-jnp.expm1(-x))

    x = jnp.array([0.2, 0.5, 1.0, 3.0])
    return Rule(jax.nn.log1mexp, value, x=x, domain=(0.0, jnp.inf), forward_mode=True)


TRIED = [
    Tried("jax.nn.relu", "functions.py relu", relu),
    Tried("jax.nn.relu6", "functions.py relu6", relu6),
    Tried("jax.nn.softmax", "functions.py _softmax", softmax),
    Tried("jax.nn.log1mexp", "functions.py log1mexp", log1mexp),
]
