"""Train a layer of spyx's neurons with ReluGrad."""

import jax
import jax.numpy as jnp
import optax
import spyx
from flax import nnx
from sklearn.datasets import load_digits

from relugrad import ReluGrad

images, labels = load_digits(return_X_y=True)
images = jnp.asarray(images[:100] / 16)
labels = jnp.asarray(labels[:100])


class Network(nnx.Module):
    """Spiking neurons between two layers of weights."""

    def __init__(self, spike, rngs):
        self.hidden = nnx.Linear(64, 64, rngs=rngs)
        self.neurons = spyx.nn.LIF((64,), 0.9, activation=spike, rngs=rngs)
        self.readout = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, images):
        """Scores of the digits, the mean over 20 time steps."""

        def step(potential, _):
            spikes, potential = self.neurons(self.hidden(images), potential)
            return potential, self.readout(spikes)

        start = self.neurons.initial_state(len(images))
        return jax.lax.scan(step, start, length=20)[1].mean(axis=0)


def train(spike):
    """The losses of ten updates."""
    network = Network(spike, nnx.Rngs(0))
    optimizer = nnx.Optimizer(network, optax.adam(0.01), wrt=nnx.Param)

    def loss(network):
        scores = network(images)
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()

    @nnx.jit
    def update(network, optimizer):
        value, gradient = nnx.value_and_grad(loss)(network)
        optimizer.update(network, gradient)
        return value

    return jnp.stack([update(network, optimizer) for _ in range(10)])


losses = train(ReluGrad(alpha=2.0, width=0.5))
print(f"loss {losses[0]:.2f}, after 9 updates {losses[-1]:.2f}")
