"""Train a layer of spyx's neurons with its own triangle, and with ReluGrad."""

import jax
import jax.numpy as jnp
import optax
import spyx
from flax import nnx
from sklearn.datasets import load_digits

from relugrad import ReluGrad

jax.config.update("jax_enable_x64", True)
images, labels = load_digits(return_X_y=True)
images = jnp.asarray(images[:100] / 16)
labels = jnp.asarray(labels[:100])


def train(activation):
    """The losses and the potentials of ten updates."""
    rngs = nnx.Rngs(0)
    model = nnx.List(
        [
            nnx.Linear(64, 64, rngs=rngs),
            spyx.nn.LIF((64,), beta=0.9, activation=activation, rngs=rngs),
            nnx.Linear(64, 10, rngs=rngs),
        ]
    )
    graph, weights = nnx.split(model, nnx.Param)
    weights = jax.tree.map(jnp.float64, weights)
    optimizer = optax.adam(0.01)

    def loss(weights):
        hidden, neurons, readout = nnx.merge(graph, weights)

        def step(potential, _):
            spikes, potential = neurons(hidden(images), potential)
            return potential, (readout(spikes), potential)

        start = jnp.zeros((len(images), 64))
        _, (scores, potentials) = jax.lax.scan(step, start, length=20)
        losses = optax.softmax_cross_entropy_with_integer_labels
        return losses(scores.mean(axis=0), labels).mean(), potentials

    def update(state, _):
        weights, momenta = state
        results, gradient = jax.value_and_grad(loss, has_aux=True)(weights)
        change, momenta = optimizer.update(gradient, momenta)
        return (optax.apply_updates(weights, change), momenta), results

    start = weights, optimizer.init(weights)
    return jax.jit(lambda: jax.lax.scan(update, start, length=10)[1])()


theirs, potentials = train(spyx.axn.triangular(k=2.0))
ours, ours_potentials = train(ReluGrad(alpha=2.0, width=0.5))
wider, _ = train(ReluGrad(alpha=2.0, width=1.0))
print("update  spyx      relugrad")
for step in range(0, 10, 3):
    print(f"{step:6}  {theirs[step]:8.6f}  {ours[step]:8.6f}")

assert jnp.abs(ours - theirs).max() <= 1e-9
assert jnp.abs(ours_potentials - potentials).max() <= 1e-9
assert (potentials != 1.0).all()  # none is exactly at the threshold
assert jnp.abs(wider - ours).max() > 1e-3  # another triangle, another loss
