"""What training the hidden layers adds, task by task and by the size of a layer."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence import series
from evidence.record import Record

OURS: dict[str, Any] = {"hidden": "trained", "peak": 0.3, "width": 1.0, "reset": "attached"}
MEMORY, FROZEN = {"rise_attached": 1.0}, {"hidden": "frozen"}


def compared(name: str, by: str, trained: dict[str, Any], frozen: dict[str, Any]) -> pd.DataFrame:
    """Mean accuracies by task: a frozen network has its own scale, or the trained one's."""
    models = {"trained": trained, "frozen": frozen, "same scale": frozen | {"enlarged": 1.0}}
    return pd.DataFrame({model: Record(name).means(by, **of) for model, of in models.items()})


TASKS = {
    "real series": compared("series", "data", series.DEFAULT, {"model": "hidden frozen"}),
    "LSNN": compared("lsnn", "task", OURS | MEMORY, FROZEN),
    "two cues": compared("two_cues", "layer", OURS | MEMORY, FROZEN),
}
MEANS = pd.concat(TASKS).dropna()
most = round((MEANS["frozen"] - MEANS["same scale"]).max())

CONTROL = Record("frozen_control")
seeds = CONTROL.seeds
WRONG = 100 - CONTROL.outcomes("neurons", "hidden", hidden=["frozen", "trained"]).unstack()
LINEAR = np.percentile(100 - CONTROL.outcomes(hidden="none").item(), [25, 50, 75])
MEDIANS = WRONG.map(np.median)
BETTER = (WRONG["trained"] - WRONG["frozen"]).map(lambda more: (more < 0).sum())
linear_median = round(LINEAR[1], 1)
frozen_32, trained_32 = MEDIANS.loc[32, ["frozen", "trained"]].round(1)


def table_of_tasks() -> pd.DataFrame:
    """Accuracies in percent, by task and hidden layers."""
    return MEANS[["trained", "frozen"]].round().astype(int)


def table_of_sizes() -> pd.DataFrame:
    """Medians of the share of wrong images in percent, by number of neurons and hidden layer."""
    return MEDIANS.round(1).assign(**{"trained is better": BETTER})


def figure() -> None:
    """The share of wrong images over the number of neurons."""
    _, panel = plt.subplots(figsize=(6, 3.8), layout="constrained")
    for hidden, style in (("frozen", "o--"), ("trained", "o-")):
        low, middle, high = np.percentile(WRONG[hidden].tolist(), [25, 50, 75], axis=1)
        panel.plot(MEDIANS.index, middle, style, label=f"hidden layer {hidden}")
        panel.fill_between(MEDIANS.index, low, high, alpha=0.15)
    panel.axhline(LINEAR[1], color="C2", linestyle=":", label="logistic regression")
    panel.axhspan(LINEAR[0], LINEAR[2], color="C2", alpha=0.15)
    panel.set(xscale="log", yscale="log", xlabel="hidden neurons", ylabel="wrong test images (%)")
    panel.set_xticks(MEDIANS.index, map(str, MEDIANS.index))
    panel.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
    panel.minorticks_off()
    panel.legend()


def test_training_adds_much_but_for_the_adaptive_layer_on_two_cues() -> None:
    gains = MEANS["trained"] - MEANS["frozen"]
    assert gains.drop(("two cues", "adaptive")).min() > 8
    assert 0 < gains["two cues", "adaptive"] < 6


def test_training_adds_much_in_small_layers_on_digits() -> None:
    assert BETTER[[8, 16, 32, 64]].tolist() == [seeds] * 4
    assert frozen_32 > 3 * trained_32


def test_training_adds_nothing_to_256_neurons_on_digits() -> None:
    assert BETTER[256] <= seeds / 2
    assert MEDIANS.loc[256, "frozen"] <= MEDIANS.loc[256, "trained"]


def test_a_linear_classifier_is_as_good_as_a_small_trained_layer() -> None:
    assert abs(MEDIANS.loc[16, "trained"] - linear_median) < 0.5
    assert MEDIANS.loc[256, "frozen"] < linear_median  # so is a large frozen one
