"""What the experiments share: a leaky neuron with each form of its reset, and a loop that trains."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax import Array

from relugrad import ReluGrad

OPTIMIZERS = {"SGD": optax.sgd, "Adam": optax.adam}


# What a potential v and a spike s leave for the next time step. The threshold is 1.
def subtract_then_leak(v: Array, s: Array, decay: float) -> Array:
    """Subtract the threshold, then leak."""
    return decay * (v - s)


def leak_then_subtract(v: Array, s: Array, decay: float) -> Array:
    """Leak, then subtract the threshold."""
    return decay * v - s


def to_zero(v: Array, s: Array, decay: float) -> Array:
    """Reset to zero."""
    return decay * v * (1 - s)


RESETS = {
    "subtract, then leak": subtract_then_leak,
    "leak, then subtract": leak_then_subtract,
    "to zero": to_zero,
}
ATTACHED = {"attached": lambda s: s, "detached": jax.lax.stop_gradient}


def lif(
    spike: ReluGrad,
    currents: Array,
    reset: Callable[[Array, Array, float], Array] = subtract_then_leak,
    attached: str = "attached",
    decay: float = 0.9,
    unroll: bool = False,  # all steps: takes longer to compile, and runs faster
) -> Array:
    """Spikes of leaky integrate-and-fire neurons; time is the first axis of the currents."""

    def step(v: Array, current: Array) -> tuple[Array, Array]:
        v = v + current
        s = spike(v - 1.0)
        return reset(v, ATTACHED[attached](s), decay), s

    return jax.lax.scan(step, jnp.zeros_like(currents[0]), currents, unroll=unroll)[1]


def train(loss, weights, optimizer, batches):
    """Weights after an update for each batch."""

    def update(state, batch):
        weights, moments = state
        change, moments = optimizer.update(jax.grad(loss)(weights, batch), moments)
        return (optax.apply_updates(weights, change), moments), None

    start = weights, optimizer.init(weights)
    return jax.lax.scan(update, start, batches)[0][0]
