"""Neurons: what another time step changes, and a number of a paper in the units of the recipes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.network import Neuron, Passed, layer
from relugrad import ReluGrad

# 1.8, with a threshold of 0.01 and a time constant of 700 time steps
lsnn_beta = round(float(1.8 * (1 - np.exp(-1 / 700)) / 0.01), 2)

TIME_STEPS = [2.0, 1.0, 0.5]  # ms


def passed(drive: float, dt: float, alpha: float = 0.3, attached: bool = True) -> Passed:
    """A neuron with a time constant of 10 ms and a constant input, for 200 ms."""
    decay = np.exp(-dt / 10)
    neuron = Neuron(ReluGrad(alpha, 1.0), decay, attached=attached)
    return layer(neuron, jnp.full(round(200 / dt), (1 - decay) * drive))


def gradient(dt: float, alpha: float, attached: bool) -> float:
    """Of the number of spikes, by the input."""
    return float(jax.jit(jax.grad(lambda i: passed(i, dt, alpha, attached).spikes.sum()))(1.5))


def test_the_potential_approaches_the_same_value_for_any_time_step() -> None:
    ends = [float(passed(0.9, dt).x[-1]) + 1 for dt in TIME_STEPS]
    assert ends == pytest.approx([0.9] * 3, abs=1e-5)


@pytest.mark.parametrize("attached", [True, False])
def test_alpha_times_the_time_step_keeps_the_size_of_the_gradient(attached: bool) -> None:
    with_dt = [gradient(dt, 0.3 * dt, attached) for dt in TIME_STEPS]
    without = [gradient(dt, 0.3, attached) for dt in TIME_STEPS]
    assert max(with_dt) < 1.2 * min(with_dt)
    assert without[0] * 1.1 < without[1] < without[2] / 1.1
