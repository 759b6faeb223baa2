"""A snnax network that is trained with ReluGrad; snnax has no triangle of its own."""

import sys
import types

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

from relugrad import ReluGrad

# The wheel of snnax 0.0.1 lacks two modules that it imports: empty ones do.
for name in ["snnax.snn.init", "snnax.functional.functional"]:
    sys.modules[name] = types.ModuleType(name)
from snnax import snn

# So that every machine has the same losses.
jax.config.update("jax_enable_x64", True)

images, labels = load_digits(return_X_y=True)
images = jnp.asarray(images[:500] / 16)
labels = jnp.asarray(labels[:500])


class Network(eqx.Module):
    """snnax's leaky integrate-and-fire neurons between two layers of weights."""

    hidden: eqx.nn.Linear
    neurons: snn.LIF
    readout: eqx.nn.Linear

    def __init__(self, spike_fn, key):
        keys = jax.random.split(key)
        self.hidden = eqx.nn.Linear(64, 64, key=keys[0])
        self.neurons = snn.LIF([0.9, 0.8], spike_fn, threshold=0.3)
        self.readout = eqx.nn.Linear(64, 10, key=keys[1])

    def __call__(self, image):
        """A score for each digit, from 20 time steps."""
        current = self.hidden(image)
        state = self.neurons.init_state((64,), jax.random.key(0))
        step = lambda state, _: tuple(self.neurons(state, current))
        _, spikes = jax.lax.scan(step, state, length=20)
        return self.readout(spikes.mean(axis=0))


def train(spike_fn):
    """The loss before each of 20 updates."""
    network = Network(spike_fn, jax.random.key(0))
    weights, rest = eqx.partition(network, eqx.is_inexact_array)
    optimizer = optax.adam(0.01)

    def loss(weights):
        scores = jax.vmap(eqx.combine(weights, rest))(images)
        losses = optax.softmax_cross_entropy_with_integer_labels
        return losses(scores, labels).mean()

    def update(state, _):
        weights, momenta = state
        value, gradient = jax.value_and_grad(loss)(weights)
        change, momenta = optimizer.update(gradient, momenta)
        return (optax.apply_updates(weights, change), momenta), value

    start = weights, optimizer.init(weights)
    return jax.jit(lambda: jax.lax.scan(update, start, length=20)[1])()


losses = train(ReluGrad(alpha=2.0, width=0.5))
wider = train(ReluGrad(alpha=2.0, width=1.0))

print("update  loss")
for step in range(0, 20, 4):
    print(f"{step:6}  {losses[step]:.6f}")
assert losses[-1] < 0.8 * losses[0]
# It is this function that the neurons use: another one trains otherwise.
assert jnp.max(jnp.abs(losses - wider)) > 1e-2
