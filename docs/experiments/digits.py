"""What training the hidden layer adds on digits, by its size, beside a linear classifier.

A seed draws the weights, the batches and the split: 1,097 images for training, 300 for validation,
which chooses optimizer and rate, and 400 for the test.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from experiments.common import OPTIMIZERS, lif, train
from relugrad import ReluGrad

QUICK = {"seeds": 2, "updates": 3}
NEURONS = [8, 16, 32, 64, 128, 256]
RATES = {"SGD": [0.1, 0.3, 1.0], "Adam": [0.001, 0.003, 0.01]}
INVERSE_PENALTIES = [0.01, 0.1, 1.0, 10.0]  # C of LogisticRegression
BATCH, TIME_STEPS, DECAY = 32, 20, 0.9
SPIKE = ReluGrad(alpha=1.0, width=1.0)
# The mean of a leaky readout over time, which is linear in the spikes.
KEPT = (1 - DECAY ** jnp.arange(TIME_STEPS, 0, -1)) / (1 - DECAY) / TIME_STEPS


def split(key):
    """Images and labels of validation, test and training."""
    images, labels = load_digits(return_X_y=True)
    order = jax.random.permutation(key, len(images))
    images, labels = jnp.float32(images / 16)[order], jnp.asarray(labels)[order]
    return images - images[700:].mean(0), labels


def scores(weights, images):
    """What the readout says of each image."""
    currents = images @ weights["in"] + weights["bias"]
    spikes = lif(SPIKE, jnp.broadcast_to(currents, (TIME_STEPS, *currents.shape)), decay=DECAY)
    return jnp.tensordot(KEPT, spikes, 1) @ weights["out"]


@partial(jax.jit, static_argnames=["neurons", "hidden", "optimizer", "updates"])
def errors(key, rate, images, labels, neurons, hidden, optimizer, updates):
    """The shares of wrong images in validation and test, after training."""
    keys = jax.random.split(key, 3)
    weights = {"in": jax.random.normal(keys[0], (64, neurons)) / 8, "bias": jnp.zeros(neurons)}
    weights["out"] = jax.random.normal(keys[1], (neurons, 10)) / neurons**0.5

    def loss(weights, batch):
        if hidden == "frozen":
            weights = jax.lax.stop_gradient(weights) | {"out": weights["out"]}
        found = scores(weights, images[batch])
        return optax.softmax_cross_entropy_with_integer_labels(found, labels[batch]).mean()

    rate = optax.cosine_decay_schedule(rate, updates)
    batches = jax.random.randint(keys[2], (updates, BATCH), 700, len(images))
    weights = train(loss, weights, OPTIMIZERS[optimizer](rate), batches)
    wrong = scores(weights, images[:700]).argmax(1) != labels[:700]
    return wrong[:300].mean(), wrong[300:].mean()


def linear(images, labels, inverse_penalty):
    """The same shares for logistic regression."""
    model = LogisticRegression(C=inverse_penalty, max_iter=1000).fit(images[700:], labels[700:])
    wrong = model.predict(images[:700]) != labels[:700]
    return wrong[:300].mean(), wrong[300:].mean()


def run(seeds=20, updates=600):
    """Six sizes, trained and frozen, two optimizers at three rates each; logistic regression."""
    keys = jax.random.split(jax.random.key(0), (2, seeds))
    images, labels = jax.vmap(split)(keys[0])
    rows = []
    for neurons in NEURONS:
        for hidden in ["trained", "frozen"]:
            for optimizer, rates in RATES.items():
                one = partial(
                    errors, neurons=neurons, hidden=hidden, optimizer=optimizer, updates=updates
                )
                grid = jax.vmap(jax.vmap(one, (0, None, 0, 0)), (None, 0, None, None))
                found = zip(rates, *grid(keys[1], jnp.array(rates), images, labels), strict=True)
                rows += [
                    {"hidden": hidden, "neurons": neurons, "optimizer": optimizer, "rate": rate}
                    | {"validation": validation, "test": test}
                    for rate, validation, test in found
                ]
    arrays = list(zip(np.asarray(images), np.asarray(labels), strict=True))
    for c in INVERSE_PENALTIES:
        found = np.array([linear(*one, c) for one in arrays]).T
        rows += [{"hidden": "none", "C": c, "validation": found[0], "test": found[1]}]
    return rows
