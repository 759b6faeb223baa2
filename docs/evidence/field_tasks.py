"""The sheet of start values on the field's own tasks."""

import numpy as np
import pandas as pd

from evidence.record import Record, error
from experiments.field_tasks import LINES, SHEETS

SHORT, LONG = Record("field_tasks"), Record("field_tasks_longer")
seeds, longer_seeds = SHORT.seeds, LONG.seeds
TASKS = list(SHEETS)
OF_LINES = SHORT.outcomes("task", "changed", optimizer=["Adam"])
OF_LONG = LONG.outcomes("task", "changed", "updates")
# What papers report of other networks. Linear: of a linear classifier.
PUBLISHED = {
    "Yin-Yang": "98.7 perceptron, 64.3 linear; spiking 95.9 and 98.1",
    "MNIST-1D": "91 GRU, 68 perceptron, 32 linear",
    "BasicMotions": "97.5 nearest neighbor (DTW)",
}


def differences(of: pd.Series, changed: str) -> pd.Series:
    """What a line adds to the sheet in each task, for each seed."""
    line = of.xs(changed, level="changed")
    return line - of.xs("nothing", level="changed")[line.index]


CHANGES = {line: differences(OF_LINES, line) for line in OF_LINES.index.unique("changed")[1:]}
GAINS = pd.DataFrame({line: of.map(np.mean) for line, of in CHANGES.items()}).T


def table_of_tasks() -> pd.DataFrame:
    """Accuracies in percent: the sheet, longer training, more neurons, controls, and papers."""
    means = OF_LINES.map(np.mean).unstack()
    longer = OF_LONG.map(np.mean).unstack(["changed", "updates"])
    columns = {
        "the sheet": means["nothing"],
        "2 times the updates": longer["nothing", 1000],
        "10 times": longer["nothing", 5000],
        "10 times, 1 layer of 128": longer["1 layer of 128", 5000],
        "frozen": means["frozen"],
        "linear": means["linear"],
    }
    table = pd.DataFrame(columns).loc[TASKS].map(lambda of: "" if np.isnan(of) else f"{of:.0f}")
    return table.assign(published=pd.Series(PUBLISHED)).fillna("")


def table_of_lines() -> pd.DataFrame:
    """The points that a change of a line adds, with standard errors."""
    shown = {
        line: of.map(lambda seeds: f"{seeds.mean():+.0f} ± {error(seeds):.0f}")
        for line, of in CHANGES.items()
        if line not in ("frozen", "linear")
    }
    return pd.DataFrame(shown).T[TASKS].fillna("")


def table_of_rates() -> pd.DataFrame:
    """Accuracies in percent by task and learning rate of Adam."""
    of = SHORT.means("task", "rate", changed="nothing", optimizer="Adam").unstack()
    return of.loc[TASKS].round().astype(int).rename(columns="{:g}".format)
