"""Train spyx's neurons with ReluGrad: spyx's own quickstart, without its evaluation."""

import jax
import jax.numpy as jnp
import optax
import spyx
from flax import nnx

from relugrad import ReluGrad

integral = spyx.fn.integral_crossentropy(time_axis=0)


def draw(number):
    """A batch of spikes over time, in which the channel of the class fires more often."""
    for_labels, for_spikes = jax.random.split(jax.random.fold_in(jax.random.PRNGKey(0), number))
    labels = jax.random.randint(for_labels, 32, 0, 3)
    rates = jnp.where(jnp.arange(8) == labels[:, None], 0.5, 0.05)
    return jnp.float32(jax.random.uniform(for_spikes, (16, 32, 8)) < rates), labels


def train(spike):
    """The mean losses of 15 epochs of 8 updates."""
    rngs = nnx.Rngs(0)
    network = spyx.nn.Sequential(
        nnx.Linear(8, 32, use_bias=False, rngs=rngs),
        spyx.nn.LIF((32,), activation=spike, rngs=rngs),
        nnx.Linear(32, 3, use_bias=False, rngs=rngs),
        spyx.nn.LI((3,), rngs=rngs),
    )

    def loss(network, spikes, labels):
        return integral(spyx.nn.run(network, spikes)[0], labels)

    epochs = spyx.optimize.fit(
        network, optax.adam(0.002), loss, lambda: map(draw, range(8)), epochs=15
    )
    return [epoch["train_loss"] for epoch in epochs]


losses = train(ReluGrad(alpha=2.0, width=0.5))
print(f"loss {losses[0]:.3f}, in the last epoch {losses[-1]:.3f}")
