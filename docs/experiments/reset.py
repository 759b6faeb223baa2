"""At which peaks training fails, with each form of the reset."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments.experiment import RESET, Case, Experiment, cases, rates
from experiments.network import RESETS, Neuron, cross_entropy, digits, layer, train
from experiments.surrogates import Surrogate

DECAYS, WIDTHS = [0.3, 0.5, 0.7, 0.9, 0.97], [1.0, 4.0]
PEAKS = {
    "attached": [0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0, 5.0, 8.0],
    "detached": [1.0, 4.0, 16.0],
}
IMAGES, LABELS = digits()


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights of 16 neurons, the digits of each batch, and those held out."""
    keys = jax.random.split(key, 4)
    order = jax.random.permutation(keys[0], len(LABELS))
    weights = [
        0.25 * jax.random.normal(*one) for one in zip(keys[1:3], [(64, 16), (16, 10)], strict=True)
    ]
    batches = jax.random.choice(keys[3], order[400:], (updates, 32))
    return weights, batches, order[:400]


def trial(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The percentage of held-out digits that are classified correctly."""
    weights, batches, held_out = drawn
    spike = surrogate(case["peak"], case["width"] / 2)
    neuron = Neuron(spike, case["decay"], case["form"], case["reset"])

    def scores(weights: Any, chosen: Array, unroll: bool = False) -> Any:
        currents = IMAGES[chosen] @ weights[0]
        currents = jnp.broadcast_to(currents, (10, *currents.shape))  # ten time steps
        return layer(neuron, currents, unroll).spikes.mean(axis=0) @ weights[1]

    def loss(weights: Any, chosen: Array) -> Any:
        return cross_entropy(scores(weights, chosen, unroll=True), LABELS[chosen])

    weights, _ = train(loss, weights, case, batches)
    guesses = jax.vmap(scores, (0, None))(weights, held_out).argmax(axis=2)
    return {"correct": jnp.round(100 * jnp.mean(guesses == LABELS[held_out], axis=1))}


EXPERIMENT = Experiment(
    name="reset",
    question="At which peaks does training fail, with three forms of the reset, attached and "
    "detached?",
    drawn="A seed draws the split of the digits, their order and the weights. Training failed when "
    "less than 50% of the held-out digits are classified correctly.",
    cases=[
        case
        for reset in RESET
        for case in cases(
            form=RESETS,
            reset=[reset],
            decay=DECAYS,
            width=WIDTHS,
            peak=PEAKS[reset],
            how=[*rates("SGD", 0.2, 0.8), *rates("Adam", 0.005, 0.02)],
        )
    ],
    draw=draw,
    trial=trial,
    seeds=6,
    updates=1000,
    outcome="correct",
    best="highest",
    by=("form", "reset", "peak"),
    tuned=(),
    words={"form": "form of the reset"},
    at_once=24,
)
