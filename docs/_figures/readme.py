"""Draw the figures of README and Home, with the function itself: `python docs/_figures/readme.py`."""

import re
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from relugrad import ReluGrad

DOCS = Path(__file__).parents[1]
x = np.linspace(-2, 2, 401, dtype=np.float32)  # 0 is one of them
spike = ReluGrad(alpha=0.3, width=1.0)
plt.rc("svg", hashsalt="relugrad")
plt.rc("path", simplify=False)
plt.rc("axes.spines", right=False, top=False)
figure, (left, right) = plt.subplots(1, 2, figsize=(5.5, 2.3), layout="constrained")
left.plot(x, spike(x), color="#0072b2", gid="step")
left.set(title="forward", xlabel="$x$", ylabel="$g(x)$", yticks=[0, 1])
right.plot(x, jax.vmap(jax.grad(spike))(x), color="#d55e00", gid="triangle")
right.set(title="backward", xlabel="$x$", ylabel="$g'(x)$")
right.set_xticks([-2, -1, 0, 1, 2], ["\N{MINUS SIGN}2", "$-w$", "0", "$w$", "2"])
right.set_yticks([0, 0.3], ["0", r"$\alpha w$"])
figure.savefig(DOCS / "_static/step-and-triangle.svg", metadata={"Date": None})

# What the population of *Teach spikes to draw* has learned
page = (DOCS / "tutorials/draw.md").read_text("utf-8").partition("## Draw a raster plot")[0]
cells = re.findall(r"^```{code-cell} python\n(?!:)(.*?)^```", page, re.DOTALL | re.MULTILINE)
exec("".join(cells), names := {})  # noqa: S102
figure, panels = plt.subplots(1, 2, figsize=(5.5, 1.5), sharey=True, layout="constrained")
for panel, title in zip(panels, ["after 0 updates", "after 200 updates"], strict=True):
    picture = names["pictures"][title]
    panel.imshow(picture, ListedColormap(["w", "#0072b2"]), origin="lower")
    panel.set(title=title, xlabel="time step", yticks=[0, 80])
panels[0].set_ylabel("neuron")
figure.savefig(DOCS / "_static/learned.png", dpi=250)
