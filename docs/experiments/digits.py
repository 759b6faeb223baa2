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

NEURONS = [8, 16, 32, 64, 128, 256]
QUICK = {"seeds": 2, "updates": 3, "sizes": NEURONS[:1]}
RATES = {"SGD": [0.1, 0.3, 1.0, 3.0], "Adam": [0.001, 0.003, 0.01, 0.03]}
INVERSE_PENALTIES = [0.01, 0.1, 1.0, 10.0]  # C of LogisticRegression
BATCH, TIME_STEPS, DECAY, VALIDATION, HELD_OUT = 32, 20, 0.9, 300, 700
SPIKE = ReluGrad(alpha=1.0, width=1.0)
# The mean of a leaky readout over time is linear in the spikes, with these factors.
FACTORS = (1 - DECAY ** jnp.arange(TIME_STEPS, 0, -1)) / (1 - DECAY) / TIME_STEPS


def split(key):
    """Images and labels: first those of validation, then test, then training."""
    images, labels = load_digits(return_X_y=True)
    order = jax.random.permutation(key, len(images))
    images, labels = jnp.float32(images / 16)[order], jnp.asarray(labels)[order]
    return images - images[HELD_OUT:].mean(0), labels


def hidden_layer(weights, images):
    """Its spikes, as the mean of the readout counts them."""
    currents = images @ weights["in"] + weights["bias"]
    spikes = lif(SPIKE, jnp.broadcast_to(currents, (TIME_STEPS, *currents.shape)), decay=DECAY)
    return jnp.tensordot(FACTORS, spikes, 1)


@partial(jax.jit, static_argnames=["hidden", "neurons", "optimizer", "updates"])
def errors(drawn, rates, hidden, neurons, optimizer, updates):
    """The shares of wrong images in validation and test, by rate and seed."""

    def of_run(rate, key, images, labels):
        keys = jax.random.split(key, 3)
        weights = {"in": jax.random.normal(keys[0], (64, neurons)) / 8, "bias": jnp.zeros(neurons)}
        out = {"out": jax.random.normal(keys[1], (neurons, 10)) / neurons**0.5}
        if hidden == "frozen":  # computed once
            images, weights = hidden_layer(weights, images), out
        else:
            weights |= out

        def scores(weights, images):
            heard = images if hidden == "frozen" else hidden_layer(weights, images)
            return heard @ weights["out"]

        def loss(weights, batch):
            found = scores(weights, images[batch])
            return optax.softmax_cross_entropy_with_integer_labels(found, labels[batch]).mean()

        schedule = optax.cosine_decay_schedule(rate, updates)
        batches = jax.random.randint(keys[2], (updates, BATCH), HELD_OUT, len(images))
        weights = train(loss, weights, OPTIMIZERS[optimizer](schedule), batches)
        return shares(scores(weights, images[:HELD_OUT]).argmax(1), labels)

    # Not vmap: the arrays of one run fit into the processor's cache.
    return jax.lax.map(lambda rate: jax.lax.map(lambda d: of_run(rate, *d), drawn), rates)


def shares(guesses, labels):
    """The shares of wrong guesses in validation and test."""
    wrong = guesses != labels[:HELD_OUT]
    return wrong[:VALIDATION].mean(), wrong[VALIDATION:].mean()


def linear(images, labels, inverse_penalty):
    """The same shares for logistic regression."""
    model = LogisticRegression(C=inverse_penalty, max_iter=1000)
    return shares(
        model.fit(images[HELD_OUT:], labels[HELD_OUT:]).predict(images[:HELD_OUT]), labels
    )


def run(seeds=20, updates=400, sizes=NEURONS):
    """Six sizes, trained and frozen, two optimizers at four rates each; logistic regression."""
    keys = jax.random.split(jax.random.key(0), (2, seeds))
    data = jax.vmap(split)(keys[0])
    rows = []
    for neurons in sizes:
        for hidden in ["trained", "frozen"]:
            for optimizer, rates in RATES.items():
                row = {"hidden": hidden, "neurons": neurons, "optimizer": optimizer}
                found = errors((keys[1], *data), jnp.array(rates), **row, updates=updates)
                rows += [
                    row | {"rate": rate, "validation": validation, "test": test}
                    for rate, validation, test in zip(rates, *found, strict=True)
                ]
    seeds_data = list(zip(*map(np.asarray, data), strict=True))
    for c in INVERSE_PENALTIES:
        validation, test = np.array([linear(*one, c) for one in seeds_data]).T
        rows += [{"hidden": "none", "C": c, "validation": validation, "test": test}]
    return rows
