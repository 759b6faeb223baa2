"""Draw what the population of *Teach spikes to draw* has learned. `readme.py` runs it on that page."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap

STATIC = Path(__file__).parents[1] / "_static"
pictures = globals()["pictures"]  # of the page, by their titles

plt.rc("axes.spines", right=False, top=False)
figure, panels = plt.subplots(1, 2, figsize=(5.5, 1.5), sharey=True, layout="constrained")
for panel, title in zip(panels, ["after 0 updates", "after 200 updates"], strict=True):
    panel.imshow(pictures[title], ListedColormap(["w", "#0072b2"]), origin="lower")
    panel.set(title=title, xlabel="time step", yticks=[0, 80])
panels[0].set_ylabel("neuron")
figure.savefig(STATIC / "learned.png", dpi=250)
