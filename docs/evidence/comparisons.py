"""Networks compared on five draws of data and weights: what `downloads/comparisons.py` recorded."""

import json

import pandas as pd

from evidence.results import DATA

RECORD = json.loads((DATA / "comparisons.json").read_text("utf-8"))


def table(task: str, *names: str) -> pd.DataFrame:
    """The accuracies of these models on a task, or of all, in percent: a column for each draw."""
    accuracies = pd.DataFrame(RECORD[task]).T
    accuracies.columns = [f"draw {n + 1}" for n in accuracies]
    accuracies["mean"] = accuracies.mean(axis=1)
    return (100 * accuracies.loc[list(names) or accuracies.index]).round(1)
