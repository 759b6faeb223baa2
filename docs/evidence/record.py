"""The one way into the record of the experiments."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.record import chosen, read

RECORDED = read()
np.set_printoptions(legacy="1.21")  # a page shows 3, and not np.int64(3)
# The record's short names of settings in words, where they aren't.
WORDS = {
    "bfloat16": "kept in bfloat16",
    "changed": "line of the sheet that is changed",
    "enlarged": "scale of the initial hidden weights (factor)",
    "highest": "upper bound of the firing rates",
    "late": "share of the time steps before the readout begins",
    "later": "scale of the initial weights of later layers (factor)",
    "linear": "linear model of",
    "lowest": "lower bound of the firing rates",
    "mirrored": "mirror images of the features",
    "normalized": "normalization of the currents over",
    "potentials": "penalty on low potentials",
    "reset": "gradient through the reset",
    "rise_attached": "gradient through the raised threshold (0: none)",
    "through": "recurrent spikes through the synapse",
    "times": "time steps",
}


class Markdown(str):
    """A text that a notebook shows as what it says."""

    def _repr_markdown_(self) -> str:
        return self


class Record:
    """An experiment as it was recorded.

    A setting is asked for by its value, by a list of values, or by None where a row lacks it. If no
    `updates` are asked for, the whole training counts. Shares are in percent.
    """

    def __init__(self, name: str) -> None:
        self.name, self.recorded = name, RECORDED[name]
        self.table = pd.DataFrame(self.recorded["rows"])
        self.seeds: int = self.recorded["seeds"]
        self.updates: int = self.recorded["updates"]
        self.factor = 100 if self.recorded["best"] == "highest" else 1

    def _selected(self, settings: dict[str, Any]) -> pd.DataFrame:
        """The rows with these settings, as they are recorded."""
        rows = self.table
        for name, asked in ({"updates": self.updates} | settings).items():
            values = asked if isinstance(asked, list) else [asked]
            rows = rows[rows[name].isin([np.nan if value is None else value for value in values])]
            if rows.empty:
                raise ValueError(f"{self.name} has no rows with {name} {asked} of {settings}")
        return rows.dropna(axis="columns", how="all")

    def rows(self, **settings: Any) -> pd.DataFrame:
        """The rows with these settings, and each outcome as an array over the seeds."""
        factor = self.factor
        return self._selected(settings).map(
            lambda cell: factor * np.array(cell) if isinstance(cell, list) else cell
        )

    def outcomes(
        self, *by: str, tuned: Sequence[str] = (), outcome: str = "", **settings: Any
    ) -> pd.Series:
        """An array over the seeds for each value of `by`, at the best of what was tuned.

        More settings can be tuned than the experiment tunes. Without a name, it is of the outcome
        that the experiment reports.
        """
        if "updates" in by:
            settings["updates"] = [self.updates // 5, self.updates]
        rows = self._selected(settings)
        for name in rows.columns.intersection(self.recorded["by"]):
            if name not in (*by, *tuned, *settings) and rows[name].nunique(dropna=False) > 1:
                raise ValueError(
                    f"{self.name}: {name} is any of {list(rows[name].unique())}: say which"
                )
        asked = {"rows": rows, "by": [name for name in by if name != "updates"]}
        asked["tuned"] = [name for name in (*self.recorded["tuned"], *tuned) if name not in by]
        if outcome:
            best_by = self.recorded["chosen_by"] or self.recorded["outcome"]
            asked |= {"outcome": outcome, "chosen_by": best_by}
        found = self.factor * chosen(self.recorded | asked).rename(None)
        return found if "updates" in by or not by else found.droplevel("updates")

    def means(self, *by: str, **settings: Any) -> pd.Series:
        """The mean over the seeds for each value of `by`."""
        return self.outcomes(*by, **settings).map(np.mean)

    def percent(self, **settings: Any) -> int:
        """The mean over the seeds, as it is shown."""
        return round(float(self.means(**settings).item()))


def error(seeds: np.ndarray) -> float:
    """The standard error of the mean."""
    return float(seeds.std(ddof=1) / len(seeds) ** 0.5)


def ends(of: pd.Series) -> tuple[int, int]:
    """The lowest and the highest, as they are shown."""
    return round(of.min()), round(of.max())


def mean_and_error(seeds: np.ndarray) -> str:
    """With the standard error of the mean, as tables show it."""
    return f"{seeds.mean():.0f}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{error(seeds):.0f}"


def about(*names: str) -> Markdown:
    """How to repeat a page's experiments, and how they were made: a list for each, which unfolds."""
    command = f"nox -s experiments -- {' '.join(names)}"
    repeat = f"To repeat this, run `{command}` in the folder of relugrad's source code.\n\n"
    return Markdown(repeat + "".join(map(_about, names)))


def _about(name: str) -> str:
    one = RECORDED[name]
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
- **Run** on {one["date"]}, in {one["seconds"]} seconds, on a {one["device"].upper()} ({one["machine"]}) with {versions}.

</details>

"""
