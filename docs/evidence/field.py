"""What surrogates of other libraries reach in place of ReluGrad."""

import matplotlib.pyplot as plt
import pandas as pd

from evidence.record import RECORDED
from experiments.record import FIELD, read

TASKS = {"neuron": "one neuron", "two_cues": "two cues", "spike_times": "spike times"}
ROWS = pd.DataFrame(
    {"library": " ".join(*one["versions"].items()), "task": task, **row}
    for one in read(FIELD).values()
    for name, task in TASKS.items()
    for row in one[name]
    if row["updates"] == RECORDED[name]["updates"] and row.get("hidden") != "frozen"
)
POINTS = 100 * ROWS.groupby(["library", "task"])["difference"].mean().unstack()
OTHERS = POINTS.loc[["braintools 0.4.0", "spyx 1.0.0"]].round().astype(int)
sigmoid_one, superspike_one = OTHERS["one neuron"]
sigmoid_cues, superspike_cues = -OTHERS["two cues"]


def figure() -> None:
    """Another surrogate's accuracy, or share of successful neurons, against ReluGrad's."""
    _, panel = plt.subplots(figsize=(5, 4.6), layout="constrained")
    for color, (library, rows) in zip(("C0", "C1", "C2"), ROWS.groupby("library"), strict=True):
        for marker, (task, of) in zip("o^s", rows.groupby("task"), strict=True):
            label = f"{library}, {task}"
            panel.plot(of["ReluGrad"], of["surrogate"], color + marker, alpha=0.6, label=label)
    panel.axline((0, 0), slope=1, color="0.5", linewidth=1)
    panel.set(xlabel="with ReluGrad", ylabel="with another surrogate")
    panel.legend(fontsize="x-small")


def test_a_triangle_of_another_library_does_the_same() -> None:
    assert POINTS.loc["sparxml 0.1.1"].abs().max() < 1


def test_larger_areas_help_a_single_neuron_and_do_harm_on_two_cues() -> None:
    assert OTHERS["one neuron"].min() > 5
    assert OTHERS["two cues"].max() < 0
