"""The sheet of start values on the field's own tasks."""

import numpy as np
import pandas as pd

from evidence.record import Record, error
from experiments.field_tasks import LINES, MAIN, SHEETS

SHORT, LONG = Record("field_tasks"), Record("field_tasks_longer")
seeds, longer_seeds = SHORT.seeds, LONG.seeds
OF_LINES = SHORT.outcomes("task", "changed", optimizer="Adam")
MEANS = OF_LINES.map(np.mean).unstack()
LONGER = LONG.means("task", "changed", "updates").unstack(["changed", "updates"])
RATES = SHORT.means("task", "rate", changed="nothing", optimizer="Adam").unstack()
SGD = SHORT.means("task", changed="nothing", optimizer="SGD")
SILENT = SHORT.outcomes("task", "changed", outcome="silent", optimizer="Adam")
# What a line adds to the sheet, for each seed.
ADDED = OF_LINES - OF_LINES.xs("nothing", level="changed").reindex(OF_LINES.index, level="task")
GAINS, ERRORS = ADDED.map(np.mean).unstack(), ADDED.map(error).unstack()
COLUMNS = {"Yin-Yang": "Yin-Yang", "MNIST-1D": "MNIST-1D", "BasicMotions": "Basic Motions"}
COLUMNS |= {"Randman, 1-D": "Rand- man"}


def table_of_tasks() -> pd.DataFrame:
    """Accuracies in percent: the sheet, longer training, more neurons, and controls."""
    columns = {
        "sheet": MEANS["nothing"],
        "2 x": LONGER["nothing", 1000],
        "10 x": LONGER["nothing", 5000],
        "10 x, 128": LONGER["1 layer of 128", 5000],
        "frozen": MEANS["frozen"],
        "linear": MEANS["linear"],
    }
    table = pd.DataFrame(columns).loc[list(SHEETS)]
    return table.map(lambda of: "" if np.isnan(of) else f"{of:.0f}")


def table_of_rates() -> pd.DataFrame:
    """Accuracies in percent by task and learning rate of Adam."""
    return RATES.loc[MAIN].round().astype(int).rename(columns="{:g}".format)


def table_of_lines() -> pd.DataFrame:
    """The points that a change of a line adds; a star: by more than two standard errors."""
    table = pd.DataFrame("", list(LINES), MAIN)
    for (task, line), gain in GAINS.loc[MAIN, list(LINES)].stack().items():
        table.loc[line, task] = f"{gain:+.0f}" + "*" * (abs(gain) > 2 * ERRORS.loc[task, line])
    return table.rename(columns=COLUMNS)
