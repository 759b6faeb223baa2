"""Draw the figures of README and Home, with the function itself: `python docs/_figures/readme.py`."""

from pathlib import Path

import jax
import matplotlib.pyplot as plt
import nbformat
import numpy as np
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from nbclient import NotebookClient

from relugrad import ReluGrad

HERE = Path(__file__).parent
DOCS = HERE.parent


def draw_step_and_triangle() -> None:
    """What the function computes: forward, a step, and backward, a triangle."""
    x = np.linspace(-2, 2, 401, dtype=np.float32)  # 0 is one of them
    spike = ReluGrad(alpha=0.3, width=1.0)
    plt.rc("svg", hashsalt="relugrad")
    plt.rc("path", simplify=False)
    plt.rc("axes.spines", right=False, top=False)
    figure, (left, right) = plt.subplots(1, 2, figsize=(5.5, 2.3), layout="constrained")
    left.plot(x, spike(x), color="#0072b2", gid="step")
    left.set(title="forward", xlabel="$x$", ylabel="spike", yticks=[0, 1])
    right.plot(x, jax.vmap(jax.grad(spike))(x), color="#d55e00", gid="triangle")
    right.set(title="backward", xlabel="$x$", ylabel="gradient")
    right.set_xticks([-1, 1], ["\N{MINUS SIGN}width", "width"])
    right.set_yticks([0, 0.3], ["0", "alpha × width"])
    figure.savefig(DOCS / "_static/step-and-triangle.svg", metadata={"Date": None})


def draw_learned() -> None:
    """What the population of *Teach spikes to draw* has learned: `learned.py`, run on this page."""
    page = (DOCS / "tutorials/draw.md").read_text("utf-8")
    notebook = read_myst_markdown_notebook(page, MdParserConfig())
    shown = [cell for cell in notebook.cells if "remove-input" not in cell.metadata.get("tags", [])]
    notebook.cells = [*shown, nbformat.v4.new_code_cell(f"%run -i {HERE / 'learned.py'}")]
    NotebookClient(notebook, timeout=None).execute()


if __name__ == "__main__":
    draw_step_and_triangle()
    draw_learned()
