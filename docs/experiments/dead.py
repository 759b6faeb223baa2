"""What wakes a silent network, and what an upper bound on its firing rates costs.

Three hidden layers see handwritten digits; the reset is detached. A seed draws the weights and the
images. An outcome is the accuracy on 400 images that the network hasn't seen, or the mean firing
rate of its hidden neurons, both after training.
"""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

from experiments.common import OPTIMIZERS, train
from relugrad import ReluGrad

QUICK = {"seeds": 2, "steps": 2}
# Scale of the weights, alpha, width, penalty on low potentials, lower and upper bound of the rates
NETWORKS = {
    "small weights": (0.02, 0.3, 1.0, 0.0, 0.0, 1.0),
    "wider support": (0.02, 0.15, 2.0, 0.0, 0.0, 1.0),
    "wider support and higher peak": (0.02, 0.5, 2.0, 0.0, 0.0, 1.0),
    "larger weights": (0.25, 0.3, 1.0, 0.0, 0.0, 1.0),
    "penalty on low potentials": (0.02, 0.3, 1.0, 1.0, 0.0, 1.0),
    "penalty on low rates": (0.02, 0.3, 1.0, 0.0, 0.1, 1.0),
    "larger weights with rates to 0.2": (0.25, 0.3, 1.0, 0.0, 0.0, 0.2),
    "larger weights with rates to 0.1": (0.25, 0.3, 1.0, 0.0, 0.0, 0.1),
}
RATES = {"SGD": [0.1, 0.5, 2.5], "Adam": [0.002, 0.01, 0.05]}
NEURONS, TIMES, BATCH = 32, 20, 20


def network(weights, images, spike):
    """Scores, and the spikes and x of each hidden layer."""

    def step(v, current):
        v = 0.9 * v + current
        s = spike(v - 1.0)
        return v - jax.lax.stop_gradient(s), (s, v - 1.0)

    s, layers = jnp.broadcast_to(images, (TIMES, *images.shape)), []
    for w in weights["hidden"]:
        s, x = jax.lax.scan(step, jnp.zeros((len(images), NEURONS)), s @ w)[1]
        layers.append((s, x))
    return s.mean(axis=0) @ weights["out"], layers


def penalty(layers, potentials, low, high):
    """What is added to the loss for a layer: low potentials, and rates out of bounds."""
    total = 0.0
    for s, x in layers:
        rates = s.mean(axis=(0, 1))
        total += potentials * jax.nn.relu(-x.max(axis=(0, 1))).mean()
        total += 3 * (jax.nn.relu(low - rates) + jax.nn.relu(rates - high)).mean()
    return total / len(layers)


def outcome(key, of_network, rate, data, optimizer, steps):
    """Accuracy and mean firing rate after training."""
    scale, alpha, width, *bounds = of_network
    spike, (images, labels) = ReluGrad(alpha, width), data
    keys = jax.random.split(key, 5)
    shapes = [(64, NEURONS), (NEURONS, NEURONS), (NEURONS, NEURONS)]
    weights = {
        "hidden": [scale * jax.random.normal(*one) for one in zip(keys, shapes, strict=False)],
        "out": jax.random.normal(keys[3], (NEURONS, 10)) / NEURONS**0.5,
    }
    order = jax.random.permutation(keys[4], len(images))
    batches, others = order[: steps * BATCH].reshape(steps, BATCH), order[-400:]

    def loss(weights, batch):
        scores, layers = network(weights, images[batch], spike)
        losses = optax.softmax_cross_entropy_with_integer_labels(scores, labels[batch])
        return losses.mean() + penalty(layers, *bounds)

    weights = train(loss, weights, OPTIMIZERS[optimizer](rate), batches)
    scores, layers = network(weights, images[others], spike)
    right = scores.argmax(axis=1) == labels[others]
    return right.mean(), sum(s.mean() for s, _ in layers) / len(layers)


@partial(jax.jit, static_argnames=["optimizer", "steps"])
def sweep(keys, networks, rates, data, optimizer, steps):
    """All networks and rates at once, for one seed after the other."""
    one = partial(outcome, data=data, optimizer=optimizer, steps=steps)
    grid = jax.vmap(jax.vmap(one, (None, None, 0)), (None, 0, None))
    return jax.lax.map(lambda key: grid(key, networks, rates), keys)


def run(seeds=20, steps=60):
    """Eight networks, two optimizers at three rates each."""
    images, labels = load_digits(return_X_y=True)
    data = jnp.float32(images / 16), jnp.asarray(labels)
    keys = jax.random.split(jax.random.key(0), seeds)
    networks, rows = tuple(jnp.array(list(NETWORKS.values())).T), []
    for optimizer, rates in RATES.items():
        accuracy, spikes = sweep(keys, networks, jnp.array(rates), data, optimizer, steps)
        for (i, name), (j, rate) in product(enumerate(NETWORKS), enumerate(rates)):
            row = {"network": name, "optimizer": optimizer, "rate": rate}
            rows.append(row | {"accuracy": accuracy[:, i, j], "firing": spikes[:, i, j]})
    return rows
