"""Handwritten digits, for hidden layers of several sizes, and without any."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments import network
from experiments.experiment import Case, Experiment, cases, rates
from experiments.network import Neuron, cross_entropy, layer, train
from experiments.surrogates import Surrogate

BATCH, TIMES, VALIDATION, HELD_OUT = 32, 20, 300, 700
# The mean of a leaky readout over time is linear in the spikes, with these factors.
FACTORS = (1 - 0.9 ** jnp.arange(TIMES, 0, -1)) / (1 - 0.9) / TIMES
IMAGES, LABELS = network.digits()


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights; images and labels in a new order; batches."""
    keys = jax.random.split(key, 4)
    order = jax.random.permutation(keys[0], len(LABELS))
    images = IMAGES[order] - IMAGES[order[HELD_OUT:]].mean(0)
    neurons = case["neurons"]
    weights = {
        "in": jax.random.normal(keys[1], (64, neurons)) / 8,
        "bias": jnp.zeros(neurons),
        "out": jax.random.normal(keys[2], (neurons, 10)) / neurons**0.5,
    }
    batches = jax.random.randint(keys[3], (updates, BATCH), HELD_OUT, len(images))
    return weights, images, LABELS[order], batches


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The shares of wrong images in validation and test."""
    weights, images, labels, batches = drawn
    neuron = Neuron(surrogate(case["peak"], case["width"] / 2))

    def hidden(weights: Any, images: Array) -> Array:
        currents = images @ weights["in"] + weights["bias"]
        spikes = layer(neuron, jnp.broadcast_to(currents, (TIMES, *currents.shape))).spikes
        return jnp.tensordot(FACTORS, spikes, 1)

    trained = case["hidden"] == "trained"
    if case["hidden"] == "frozen":  # computed once
        images = hidden(weights, images)
    if case["hidden"] == "none":  # logistic regression
        weights = weights | {"out": jnp.zeros((64, 10))}

    def scores(weights: Any, images: Array) -> Any:
        heard = hidden(weights, images) if trained else images
        return heard @ weights["out"]

    def loss(weights: Any, batch: Array) -> Any:
        return cross_entropy(scores(weights, images[batch]), labels[batch])

    weights, _ = train(loss, weights, case, batches)
    guesses = jax.vmap(scores, (0, None))(weights, images[:HELD_OUT]).argmax(axis=2)
    wrong = guesses != labels[:HELD_OUT]
    shares = {"validation": wrong[:, :VALIDATION], "test": wrong[:, VALIDATION:]}
    return {name: part.mean(axis=1) for name, part in shares.items()}


HOW = [*rates("SGD", 0.1, 0.3, 1.0), *rates("Adam", 0.003, 0.01, 0.03)]
SPIKE = [{"peak": 1.0, "width": 1.0}]
EXPERIMENT = Experiment(
    name="digits",
    question="What does training the hidden layer add on digits, by its size, beside a linear "
    "classifier?",
    drawn="A seed draws the weights, the batches and the split: 1,097 images for training, 300 for "
    "validation, which chooses optimizer and rate, and 400 for the test.",
    cases=[
        *cases(hidden=["trained", "frozen"], neurons=[8, 16, 32, 64, 256], spike=SPIKE, how=HOW),
        *cases(hidden=["none"], neurons=[0], spike=SPIKE, how=HOW),
    ],
    draw=draw,
    trial=trial,
    seeds=12,
    updates=500,
    outcome="test",
    best="lowest",
    by=("hidden", "neurons"),
    tuned=("optimizer", "rate"),
    chosen_by="validation",
    words={"hidden": "hidden layer", "none": "none (logistic regression)"},
)
