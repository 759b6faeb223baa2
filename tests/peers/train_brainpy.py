"""A network of brainpy's neurons that is trained with ReluGrad as their ``spk_fun``."""

import brainpy.state
import brainstate
import braintools
import brainunit as u
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

from relugrad import ReluGrad

# In float32 the two are rounded otherwise, and a neuron near its threshold
# may fire in one and not in the other. In float64 that is too rare to be met.
brainstate.environ.set(precision=64)

images, labels = load_digits(return_X_y=True)
images = jnp.asarray(images[:500] / 16)
labels = jnp.asarray(labels[:500])


class Network(brainstate.nn.Module):
    """A layer of leaky integrate-and-fire neurons between two of weights."""

    def __init__(self, spk_fun):
        super().__init__()
        self.hidden = brainstate.nn.Linear(64, 64)
        self.neurons = brainpy.state.LIF(64, tau=10 * u.ms, R=10 * u.ohm, spk_fun=spk_fun)
        self.readout = brainstate.nn.Linear(64, 10)

    def update(self, image):
        """The scores of the digits after one time step."""
        return self.readout(self.neurons(self.hidden(image) * u.mA))


def train(spk_fun):
    """The loss before each of 20 updates."""
    brainstate.random.seed(0)
    network = Network(spk_fun)
    weights = network.states(brainstate.ParamState)
    optimizer = braintools.optim.Adam(lr=0.01)
    optimizer.register_trainable_weights(weights)

    def loss():
        brainstate.nn.init_all_states(network, batch_size=len(images))
        scores = brainstate.transform.for_loop(lambda _: network(images), jnp.arange(20))
        losses = optax.softmax_cross_entropy_with_integer_labels
        return losses(scores.mean(axis=0), labels).mean()

    @brainstate.transform.jit
    def update():
        gradient, value = brainstate.transform.grad(loss, weights, return_value=True)()
        optimizer.update(gradient)
        return value

    with brainstate.environ.context(dt=1.0 * u.ms):
        return jnp.array([update() for _ in range(20)])


theirs = train(braintools.surrogate.ReluGrad(alpha=0.5, width=1.0))
ours = train(ReluGrad(alpha=0.5, width=1.0))
wider = train(ReluGrad(alpha=0.5, width=2.0))

print("update  braintools.surrogate.ReluGrad  relugrad.ReluGrad")
for step in range(0, 20, 4):
    print(f"{step:6}  {theirs[step]:29.6f}  {ours[step]:17.6f}")
assert ours[-1] < 0.5 * ours[0]
assert jnp.max(jnp.abs(ours - theirs)) <= 1e-5
# It is this function that the neurons use: another one trains otherwise.
assert jnp.max(jnp.abs(ours - wider)) > 1e-2
