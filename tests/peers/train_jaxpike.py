"""Train jaxpike's neurons with ReluGrad: jaxpike's tutorial "Your first spiking network"."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxpike
import optax

from relugrad import ReluGrad

adam = optax.adam(0.001)


def draw(key):
    """A batch of spikes over time, of which half of the channels come first."""
    for_labels, for_spikes = jax.random.split(key)
    labels = jax.random.bernoulli(for_labels, 0.5, (64,))
    early, first = jnp.arange(50)[:, None, None] < 25, jnp.arange(20) < 10
    active = (first == early) ^ labels[:, None]
    rates = jnp.where(active, 0.3, 0.02)
    return jnp.float32(jax.random.uniform(for_spikes, (50, 64, 20)) < rates), jnp.int32(labels)


def loss(network, spikes, labels):
    """The cross entropy of the potentials, summed over time."""
    scores = jaxpike.unroll(network, spikes)[0].sum(axis=0)
    return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()


@eqx.filter_jit
def update(network, state, key):
    """A step of training, and the loss before it."""
    value, gradient = eqx.filter_value_and_grad(loss)(network, *draw(key))
    change, state = adam.update(gradient, state)
    return eqx.apply_updates(network, change), state, value


def train(spike):
    """The losses of 500 updates."""
    first, second = jax.random.split(jax.random.key(0))
    network = jaxpike.Sequential(
        jaxpike.Dense(20, 64, key=first),
        jaxpike.LIF(tau=20.0, surrogate=spike),
        jaxpike.Dense(64, 2, key=second),
        jaxpike.LeakyIntegrator(tau=20.0),
    )
    state, losses, key = adam.init(eqx.filter(network, eqx.is_inexact_array)), [], jax.random.key(2)
    for _ in range(500):
        key, now = jax.random.split(key)
        network, state, value = update(network, state, now)
        losses.append(value)
    return losses


losses = train(ReluGrad(alpha=1.0, width=1.0))
print(f"loss {losses[0]:.3f}, after 499 updates {losses[-1]:.3f}")
