"""Train a spyx network with ReluGrad in the place of spyx's own triangle."""

import jax
import jax.numpy as jnp
import optax
import spyx
from flax import nnx
from sklearn.datasets import load_digits

from relugrad import ReluGrad

# In float32 the two are rounded otherwise, and a neuron near its threshold
# may fire in one and not in the other. In float64 that is too rare to be met.
jax.config.update("jax_enable_x64", True)

images, labels = load_digits(return_X_y=True)
images = jnp.asarray(images[:500] / 16)
labels = jnp.asarray(labels[:500])
# The same image in each of 20 time steps.
currents = jnp.broadcast_to(images, (20, *images.shape))


def train(activation):
    """The loss before each of 20 updates."""
    rngs = nnx.Rngs(0)
    model = spyx.nn.Sequential(
        nnx.Linear(64, 64, rngs=rngs),
        spyx.nn.LIF((64,), beta=0.9, activation=activation, rngs=rngs),
        nnx.Linear(64, 10, rngs=rngs),
        spyx.nn.LI((10,), beta=0.9, rngs=rngs),
    )
    graph, weights = nnx.split(model, nnx.Param)
    weights = jax.tree.map(jnp.float64, weights)
    optimizer = optax.adam(0.01)

    def loss(weights):
        potentials, _ = spyx.nn.run(nnx.merge(graph, weights), currents)
        losses = optax.softmax_cross_entropy_with_integer_labels
        return losses(potentials.mean(axis=0), labels).mean()

    def update(state, _):
        weights, momenta = state
        value, gradient = jax.value_and_grad(loss)(weights)
        change, momenta = optimizer.update(gradient, momenta)
        return (optax.apply_updates(weights, change), momenta), value

    start = weights, optimizer.init(weights)
    return jax.jit(lambda: jax.lax.scan(update, start, length=20)[1])()


theirs = train(spyx.axn.triangular(2.0))
ours = train(ReluGrad(alpha=2.0, width=0.5))
wider = train(ReluGrad(alpha=2.0, width=1.0))

print("update  spyx.axn.triangular  ReluGrad")
for step in range(0, 20, 4):
    print(f"{step:6}  {theirs[step]:19.6f}  {ours[step]:8.6f}")
assert ours[-1] < 0.5 * ours[0]
assert jnp.max(jnp.abs(ours - theirs)) <= 1e-5
# It is this function that the neurons use: another one trains otherwise.
assert jnp.max(jnp.abs(ours - wider)) > 1e-2
