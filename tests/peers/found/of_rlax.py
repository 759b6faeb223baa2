"""The derivative rule of rlax."""

import rlax
from tests.peers.found.tried import Tried

from relugrad.testing import Rule


def clip_gradient() -> Rule:
    """It returns x; within the bounds of the gradient, the slope is 1."""
    return Rule(
        rlax.clip_gradient,
        value=lambda x, lowest, highest: x,
        parameters=[(-100.0, 100.0)],
        cotangents=[1.0],
    )


TRIED = [
    Tried(
        "rlax.clip_gradient",
        "_src/clipping.py clip_gradient",
        clip_gradient,
        {"rlax_clip_gradient": "dtypes"},
    )
]
