"""What the experiments compute, where algebra says what it has to be."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from relugrad import ReluGrad

sys.path.append(str(Path(__file__).parents[1] / "docs"))
from experiments import online


@pytest.mark.parametrize(
    ("rule", "reset", "recurrent"),
    [
        ("RTRL", "attached", "attached"),
        ("e-prop", "detached", "detached"),
        ("e-prop with the reset", "attached", "detached"),
    ],
)
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_an_online_rule_is_bptt_with_some_paths_detached(
    rule: str, reset: str, recurrent: str, strength: float
) -> None:
    spike = ReluGrad(alpha=1.0, width=1.0)
    weights, readout, stream = online.draw(jax.random.key(0), strength)
    forward = online.online(spike, rule, weights, readout, stream)[0]
    backward = online.bptt(spike, weights, readout, stream, reset, recurrent)
    assert jnp.linalg.norm(backward) > 1
    np.testing.assert_allclose(forward, backward, rtol=1e-3, atol=1e-4 * abs(backward).max())
