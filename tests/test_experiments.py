"""What the experiments compute, where algebra says what it has to be."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from relugrad import ReluGrad

sys.path.append(str(Path(__file__).parents[1] / "docs"))
from experiments import memory, online


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


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("peak", [0.3, 3.0])
def test_factor_of_one_step_of_a_threshold_that_spikes_raise(peak: float, attached: bool) -> None:
    spike = ReluGrad(alpha=peak, width=1.0)
    currents, rise = jnp.linspace(0.0, 3.0, 31)[None], 0.4
    slopes = spike.surrogate_grad(currents[0] - (1.0 + 0.5 * rise))

    def after(rise: Array) -> Array:
        return memory.layer((0.0, 0.5, attached), spike, currents, rise=rise)[2]

    factors = jnp.diagonal(jax.jacrev(after)(jnp.full(31, rise)))
    np.testing.assert_allclose(factors, 0.98 - 0.5 * slopes, rtol=1e-5)
    bound = (1 + 0.98) / 0.5  # the largest peak for which no factor exceeds 1 in size
    assert (abs(factors) <= 1).all() == (peak <= bound)


@pytest.mark.parametrize("attached", [False, True])
def test_factor_of_one_step_of_a_recurrent_layer(attached: bool) -> None:
    spike = ReluGrad(alpha=1.0, width=1.0)
    back = jnp.array([[0.0, 0.5, 0.1], [0.2, -0.3, 0.0], [0.4, 0.0, 0.7]])
    start = jnp.array([0.2, 1.0, 1.6])
    slopes = spike.surrogate_grad(0.9 * start - 1.0)

    def after_two(v: Array) -> Array:
        return memory.layer((0.0, 0.0, attached), spike, jnp.zeros((2, 3)), back, v=v)[1]

    v = 0.9 * start
    s = spike(v - 1.0)
    last = spike.surrogate_grad(0.9 * (v - s) + s @ back - 1.0)
    matrix = 0.9 * (jnp.diag(0.9 * (1 - attached * slopes)) + back.T * slopes)
    matrix = (1 - attached * last)[:, None] * matrix  # the reset at the end of the second step
    np.testing.assert_allclose(jax.jacrev(after_two)(start), matrix, rtol=1e-5)
