"""Draw the pictures on the home page's cards, from the function itself: `python docs/_figures/cards.py`."""

from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from relugrad import ReluGrad

BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"
x = jnp.linspace(-2, 2, 201)
spike = ReluGrad(alpha=1.0, width=1.0)


def neuron(potential, current):
    """One step of time of a leaky integrate-and-fire neuron."""
    potential = 0.9 * potential + current
    fired = spike(potential - 1.0)
    return potential - fired, (potential, fired)


currents = 0.3 * jax.random.uniform(jax.random.key(1), (60,))
_, (potential, fired) = jax.lax.scan(neuron, 0.0, currents)
times = jnp.flatnonzero(fired)

# The same files from the same numbers: nothing random and no date in them.
with plt.rc_context({"svg.hashsalt": "relugrad", "lines.linewidth": 2.5}):
    for name in ["tutorials", "how-to", "reference", "explanation"]:
        figure, panel = plt.subplots(figsize=(5, 1.6), layout="constrained")
        if name == "tutorials":
            panel.axhline(1.0, color="gray", linestyle="--", linewidth=1)
            panel.plot(potential, color=BLUE)
            panel.plot(times, potential[times], "o", color=ORANGE)
        if name == "how-to":
            for width, color in zip([0.6, 1.2, 1.8], [BLUE, ORANGE, GREEN], strict=True):
                panel.plot(x, ReluGrad(1.0, width).surrogate_grad(x), color=color)
        if name == "reference":
            panel.plot(x, spike(x), color=BLUE)
            panel.plot(x, spike.surrogate_grad(x), color=ORANGE)
        if name == "explanation":
            panel.plot(x, spike(x), color="gray", linewidth=1.5)
            panel.plot(x, spike.surrogate_fun(x), color=GREEN)
        panel.axis("off")
        figure.savefig(
            Path(__file__).parents[1] / "_static" / f"card-{name}.svg", metadata={"Date": None}
        )
