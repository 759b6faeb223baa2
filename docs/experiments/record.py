"""The record of the experiments: how it is kept, and what the pages read of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FILE = Path(__file__).parents[1] / "_data/experiments.json"
FIELD = FILE.with_name("field.json")  # what other surrogates reach
# The record's short names of settings in words, where they aren't.
WORDS = {
    "assumed": "firing rate that the rule for weights assumes",
    "bfloat16": "kept in bfloat16",
    "enlarged": "scale of the frozen weights (factor)",
    "highest": "upper bound of the firing rates",
    "linear": "linear model of",
    "lowest": "lower bound of the firing rates",
    "normalized": "normalization of the currents over",
    "potentials": "penalty on low potentials",
    "reset": "gradient through the reset",
    "rise_attached": "gradient through the raised threshold (0: none)",
    "strength": "strength of the recurrent weights (factor)",
    "xi": "standard deviations of the potential up to the threshold, in the rule for weights",
}


def read(file: Path = FILE) -> dict[str, Any]:
    """The whole record."""
    recorded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return recorded


def write(recorded: Mapping[str, Any], file: Path = FILE) -> None:
    """JSON with one line for each row."""
    text = json.dumps(dict(sorted(recorded.items())), separators=(",", ":"))
    file.write_text(text.replace("[{", "[\n{").replace("},{", "},\n{") + "\n", "utf-8")


def outcomes(name: str) -> pd.DataFrame:
    """The rows of one experiment as a table: settings, and outcomes as arrays over the seeds."""
    rows = pd.DataFrame(read()[name]["rows"])
    return rows.map(lambda cell: np.array(cell) if isinstance(cell, list) else cell)


def chosen(one: Mapping[str, Any]) -> pd.Series:
    """What an experiment reports, for each seed, by its settings and the length of the training.

    Of what is tuned, the one with the best mean over the seeds counts, in validation if there is one.
    """
    rows = pd.DataFrame(one["rows"])
    by = [*one["by"], "updates"]
    lists = [name for name in rows if isinstance(rows[name].dropna().iloc[0], list)]
    others = [name for name in rows if name not in (*lists, *one["tuned"], *by)]
    sign = 1 if one["best"] == "highest" else -1

    def at_best(group: pd.DataFrame) -> Any:
        means = np.array(group[one["chosen_by"] or one["outcome"]].tolist()).mean(axis=1)
        return np.array(group[one["outcome"]].tolist())[(sign * means).argmax()]

    best = rows.groupby(by + others, sort=False, dropna=False)[lists].apply(at_best)
    return best.groupby(by, sort=False, dropna=False).agg(lambda of: np.mean(list(of), axis=0))


def about(name: str) -> str:
    """How an experiment was made, and how to repeat it: a list in Markdown that unfolds."""
    one = read()[name]
    rows = pd.DataFrame(one["rows"])
    lengths = " and ".join(f"{length:,}" for length in rows["updates"].unique())
    runs = len(rows) // rows["updates"].nunique()
    rows["rate"] = rows["optimizer"] + " at " + rows["rate"].map("{:g}".format)
    varied = ""
    for setting in rows.columns.drop(["optimizer", "updates"]):
        values = rows[setting].dropna()
        if not isinstance(values.iloc[0], list) and values.nunique() > 1:
            shown = " · ".join(v if isinstance(v, str) else f"{v:.3g}" for v in values.unique())
            varied += f"\n  - {WORDS.get(setting, setting)}: {shown}"
    versions = ", ".join(map(" ".join, one["versions"].items()))
    return f"""\
<details class="record">
<summary>How this was measured: {name}</summary>

- **Varied:**{varied}
- **Seeds:** {one["seeds"]} for each of the {runs:,} settings, {runs * one["seeds"]:,} runs in all, recorded after {lengths} updates.
- **To repeat it,** run `nox -s experiments -- {name}` in the folder of relugrad's source code. On {one["date"]}, this took {one["seconds"]} seconds on a {one["device"].upper()} ({one["machine"]}) with {versions}.

</details>

"""
