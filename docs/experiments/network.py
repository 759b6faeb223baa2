"""One leaky neuron, and one loop that trains a network of it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from experiments.surrogates import Spike

Case = Mapping[str, Any]  # settings, by their names
# What a potential v and a spike s leave for the next time step. The threshold is 1.
RESETS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "subtract, then leak": lambda v, s, decay: decay * (v - s),
    "leak, then subtract": lambda v, s, decay: decay * v - s,
    "to zero": lambda v, s, decay: decay * v * (1 - s),
}


def attach(value: Array, attached: Any) -> Array:
    """The value, with its gradient or without."""
    return jnp.where(attached, value, jax.lax.stop_gradient(value))


class Neuron(NamedTuple):
    """A leaky integrate-and-fire neuron, and what makes it more than that."""

    spike: Spike
    decay: Any = 0.9
    form: str = "subtract, then leak"
    attached: Any = True  # the gradient through the reset
    synapse: Any = None  # the decay of a synaptic current
    beta: Any = None  # by how much a spike raises the threshold,
    slow: Any = 0.98  # the decay of this rise,
    rise_attached: Any = True  # and the gradient through it
    recurrent_weights: Any = None
    through: Any = 0.0  # 1 where recurrent spikes go through the synapse, as inputs do


class State(NamedTuple):
    """What a neuron keeps from one time step to the next."""

    v: Array
    current: Array
    rise: Array
    spikes: Array


class Passed(NamedTuple):
    """All time steps of a layer."""

    spikes: Array
    x: Array  # membrane potential minus threshold


def step(neuron: Neuron, state: State, current: Array) -> tuple[State, Passed]:
    """One time step."""
    v, synaptic, rise, s = state
    back = 0.0 if neuron.recurrent_weights is None else s @ neuron.recurrent_weights
    if neuron.synapse is not None:
        current = current + neuron.through * back
        current = synaptic = neuron.synapse * synaptic + (1 - neuron.synapse) * current
        back = (1 - neuron.through) * back
    v = v + (current + back)
    x = v - 1.0
    if neuron.beta is not None:
        x = x - neuron.beta * attach(rise, neuron.rise_attached)
    s = neuron.spike(x)
    if neuron.beta is not None:
        rise = neuron.slow * rise + s
    v = RESETS[neuron.form](v, attach(s, neuron.attached), neuron.decay)
    return State(v, synaptic, rise, s), Passed(s, x)


def layer(neuron: Neuron, currents: Array) -> Passed:
    """Spikes and x for currents whose first axis is time."""
    start = State(*[jnp.zeros_like(currents[0])] * 4)
    return jax.lax.scan(partial(step, neuron), start, currents, unroll=2)[1]  # runs faster


def train(loss: Callable[[Any, Any], Any], weights: Any, case: Case, batches: Any) -> Any:
    """Weights after a fifth of the batches and after all, by SGD or Adam in one program."""
    adam = optax.scale_by_adam()

    def update(state: Any, batch: Any) -> tuple[Any, None]:
        weights, moments = state
        gradient = jax.grad(loss)(weights, batch)
        scaled, moments = adam.update(gradient, moments)
        is_adam, rate = case["optimizer"], case["rate"]
        change = jax.tree.map(lambda a, g: -rate * jnp.where(is_adam, a, g), scaled, gradient)
        return (optax.apply_updates(weights, change), moments), None

    def fifth(state: Any, batches: Any) -> tuple[Any, Any]:
        state, _ = jax.lax.scan(update, state, batches)
        return state, state[0]

    fifths = jax.tree.map(lambda a: a.reshape(5, -1, *a.shape[1:]), batches)
    _, kept = jax.lax.scan(fifth, (weights, adam.init(weights)), fifths)
    return jax.tree.map(lambda a: a[jnp.array([0, -1])], kept)


def cross_entropy(scores: Array, labels: Array) -> Any:
    """The loss of a classification."""
    return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()
