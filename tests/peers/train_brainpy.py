"""Train a layer of BrainPy's neurons with its own triangle, and with ReluGrad."""

import brainstate
import brainunit as u
import jax.numpy as jnp
import optax
from brainpy.state import LIF
from brainstate.transform import for_loop, grad, jit
from braintools import optim, surrogate
from sklearn.datasets import load_digits

from relugrad import ReluGrad

brainstate.environ.set(precision=64)
images, labels = load_digits(return_X_y=True)
images = jnp.asarray(images[:100] / 16)
labels = jnp.asarray(labels[:100])
steps = jnp.arange(20)


class Network(brainstate.nn.Module):
    """Spiking neurons between two layers of weights."""

    def __init__(self, spk_fun):
        super().__init__()
        self.hidden = brainstate.nn.Linear(64, 64)
        self.neurons = LIF(64, tau=10 * u.ms, R=10 * u.ohm, spk_fun=spk_fun)
        self.readout = brainstate.nn.Linear(64, 10)

    def update(self, image):
        """Scores of the digits, and the potentials, after one time step."""
        spikes = self.neurons(self.hidden(image) * u.mA)
        return self.readout(spikes), self.neurons.V.value.mantissa


def train(spk_fun):
    """The losses and the potentials of ten updates."""
    brainstate.random.seed(0)
    network = Network(spk_fun)
    weights = network.states(brainstate.ParamState)
    optimizer = optim.Adam(lr=0.01)
    optimizer.register_trainable_weights(weights)

    def loss():
        brainstate.nn.init_all_states(network, batch_size=len(images))
        scores, potentials = for_loop(lambda _: network(images), steps)
        losses = optax.softmax_cross_entropy_with_integer_labels
        return losses(scores.mean(axis=0), labels).mean(), potentials

    gradient = grad(loss, weights, return_value=True, has_aux=True)

    @jit
    def update():
        slopes, value, potentials = gradient()
        optimizer.update(slopes)
        return value, potentials

    with brainstate.environ.context(dt=1.0 * u.ms):
        results = [update() for _ in range(10)]
    losses, potentials = zip(*results, strict=True)
    return jnp.stack(losses), jnp.stack(potentials)


theirs, potentials = train(surrogate.ReluGrad(alpha=0.5, width=1.0))
ours, ours_potentials = train(ReluGrad(alpha=0.5, width=1.0))
wider, _ = train(ReluGrad(alpha=0.5, width=2.0))
print("update  braintools  relugrad")
for step in range(0, 10, 3):
    print(f"{step:6}  {theirs[step]:10.6f}  {ours[step]:8.6f}")

assert jnp.abs(ours - theirs).max() <= 1e-9
assert jnp.abs(ours_potentials - potentials).max() <= 1e-9
assert (potentials != 1.0).all()  # none is exactly at the threshold
assert jnp.abs(wider - ours).max() > 1e-3  # another triangle, another loss
