"""The derivative rules of spyx: a step with another slope, its surrogate."""

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
from spyx import axn
from tests.peers.found.tried import Tried

from relugrad.testing import Rule

SLOPES = {
    "custom": lambda x: jnp.ones_like(x),
    "tanh": lambda x: 1 - jnp.tanh(x) ** 2,
    "boxcar": lambda x: jnp.where(abs(x) < 1, 0.5, 0.0),
    "triangular": lambda x: jnp.maximum(0, 1 - 2 * abs(x)),
    "arctan": lambda x: 1 / (jnp.pi * (1 + (2 * jnp.pi * x) ** 2)),
    "superspike": lambda x: 1 / (1 + 25 * abs(x)) ** 2,
}
SPIKES = {
    "custom": axn.custom(jnp.ones_like),
    "tanh": axn.tanh(),
    "boxcar": axn.boxcar(),
    "triangular": axn.triangular(),
    "arctan": axn.arctan(),
    "superspike": axn.superspike(),
}


def spike(name: str) -> Rule:
    """A step at 0, and its surrogate."""
    slope: Callable[[object], object] = SLOPES[name]
    return Rule(
        SPIKES[name],
        value=lambda x: jnp.where(x > 0, 1, 0).astype(x.dtype),
        change=lambda dx, x: dx * slope(x),
    )


MISTAKES = {"spyx_second_derivative": "one_call"}
TRIED = [Tried(f"spyx.axn.{name}", "axn.py f", partial(spike, name), MISTAKES) for name in SLOPES]
