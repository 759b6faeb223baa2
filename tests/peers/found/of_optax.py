"""The derivative rules of optax."""

import jax
import jax.numpy as jnp
import optax
from tests.peers.found.tried import Tried

from relugrad.testing import Rule


def scale_gradient() -> Rule:
    """It returns x, and its slope is the scale."""
    return Rule(
        optax.scale_gradient,
        value=lambda x, scale: x,
        change=lambda dx, x, scale: scale * dx,
        parameters=[(0.5,)],
    )


def nearest_in_simplex(x: jax.Array) -> jax.Array:
    """The point of the simplex that is nearest to x: by sorting, and then a threshold."""
    falling = jnp.sort(x)[::-1]
    thresholds = (jnp.cumsum(falling) - 1) / jnp.arange(1, x.size + 1)
    last = jnp.sum(falling > thresholds) - 1
    return jax.nn.relu(x - thresholds[last])


def projection_simplex() -> Rule:
    """The nearest point of a simplex."""
    return Rule(
        optax.projections.projection_simplex,
        value=nearest_in_simplex,
        x=jnp.array([0.1, 0.5, 0.3, -0.4]),
        domain=(-1e6, 1e6),
        element_by_element=False,
        forward_mode=True,
    )


def safe_softmax_cross_entropy() -> Rule:
    """Minus the sum of labels times log-probabilities, in which 0 times infinity is 0."""

    def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
        impossible = (labels == 0) & (logits == -jnp.inf)
        log_probabilities = jnp.where(impossible, 0, jax.nn.log_softmax(logits))
        return -jnp.sum(labels * log_probabilities, -1)

    return Rule(
        optax.safe_softmax_cross_entropy,
        value=cross_entropy,
        x=jnp.array([-0.4, 0.3, 0.8]),
        parameters=[(jnp.array([0.0, 0.3, 0.7]),)],
        element_by_element=False,
        forward_mode=True,
    )


TRIED = [
    Tried(
        "optax.scale_gradient",
        "_src/utils.py _scale_gradient",
        scale_gradient,
        {"optax_scale_gradient": "dtypes"},
    ),
    Tried(
        "optax.projections.projection_simplex",
        "projections/_projections.py _projection_unit_simplex",
        projection_simplex,
        {"optax_simplex": "dtypes"},
    ),
    Tried(
        "optax.safe_softmax_cross_entropy",
        "losses/_classification.py weighted_logsoftmax",
        safe_softmax_cross_entropy,
        {"optax_softmax": "edges", "optax_softmax_labels": "one_call"},
    ),
]
