"""Draw the figure of the README, from the function itself: `python docs/_figures/step_and_triangle.py`."""

from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np

from relugrad import ReluGrad

x = np.linspace(-2, 2, 401, dtype=np.float32)  # 0 is one of them
spike = ReluGrad(alpha=0.3, width=1.0)
gradients = jax.vmap(jax.grad(spike))(x)

# The same file from the same numbers: nothing random and no date in it.
with plt.rc_context({"svg.hashsalt": "relugrad", "path.simplify": False}):
    figure, (left, right) = plt.subplots(1, 2, figsize=(5.5, 2.3), layout="constrained")
    left.plot(x, spike(x), color="#0072b2", gid="step")
    left.set(title="forward", xlabel="$x$", ylabel="$g(x)$", yticks=[0, 1])
    right.plot(x, gradients, color="#d55e00", gid="triangle")
    right.set(title="backward", xlabel="$x$", ylabel="$g'(x)$")
    right.set_xticks([-2, -1, 0, 1, 2], ["\N{MINUS SIGN}2", "$-w$", "0", "$w$", "2"])
    right.set_yticks([0, 0.3], ["0", r"$\alpha w$"])
    for panel in (left, right):
        panel.spines[["top", "right"]].set_visible(False)
    file = Path(__file__).parents[1] / "_static/step-and-triangle.svg"
    figure.savefig(file, metadata={"Date": None})
