"""Train a layer of BrainPy's neurons with ReluGrad."""

import brainstate
import brainunit as u
import jax.numpy as jnp
import optax
from brainpy.state import LIF
from brainstate.transform import for_loop, grad, jit
from braintools import optim
from sklearn.datasets import load_digits

from relugrad import ReluGrad

images, labels = load_digits(return_X_y=True)
images = jnp.asarray(images[:100] / 16)
labels = jnp.asarray(labels[:100])
steps = jnp.arange(20)


class Network(brainstate.nn.Module):
    """Spiking neurons between two layers of weights."""

    def __init__(self, spike):
        super().__init__()
        self.hidden = brainstate.nn.Linear(64, 64)
        self.neurons = LIF(64, tau=10 * u.ms, R=10 * u.ohm, spk_fun=spike)
        self.readout = brainstate.nn.Linear(64, 10)

    def update(self, image):
        """Scores of the digits after one time step."""
        return self.readout(self.neurons(self.hidden(image) * u.mA))


def train(spike):
    """The losses of ten updates."""
    brainstate.random.seed(0)
    network = Network(spike)
    weights = network.states(brainstate.ParamState)
    optimizer = optim.Adam(lr=0.01)
    optimizer.register_trainable_weights(weights)

    def loss():
        brainstate.nn.init_all_states(network, batch_size=len(images))
        scores = for_loop(lambda _: network(images), steps).mean(axis=0)
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()

    @jit
    def update():
        gradient, value = grad(loss, weights, return_value=True)()
        optimizer.update(gradient)
        return value

    with brainstate.environ.context(dt=1.0 * u.ms):
        return jnp.stack([update() for _ in range(10)])


losses = train(ReluGrad(alpha=0.5, width=1.0))
print(f"loss {losses[0]:.2f}, after 9 updates {losses[-1]:.2f}")
