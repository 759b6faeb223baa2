"""How pages look up what the experiments found."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.record import FILE, read

DATA, ENTRIES = FILE.parent, read()
np.set_printoptions(legacy="1.21")  # a page shows 3, and not np.int64(3)


class Markdown(str):
    """A text that a notebook shows as what it says."""

    def _repr_markdown_(self) -> str:
        return self


class Results:
    """What an experiment found, in percent.

    A setting is asked for by its value, by a list of values, or by None where a row lacks it. If no
    `updates` are asked for, the whole training counts.
    """

    def __init__(self, name: str, entry: Mapping[str, Any] | None = None) -> None:
        self.name, self.entry = name, entry or ENTRIES[name]
        self.table = pd.DataFrame(self.entry["rows"])
        self.seeds: int = self.entry["seeds"]
        self.updates: int = self.entry["updates"]

    def rows(self, **settings: Any) -> pd.DataFrame:
        """The rows with these settings, and each outcome as an array over the seeds."""
        rows = self.table
        for name, asked in ({"updates": self.updates} | settings).items():
            values = asked if isinstance(asked, list) else [asked]
            rows = rows[rows[name].isin([np.nan if value is None else value for value in values])]
            if rows.empty:
                raise ValueError(f"{self.name} has no rows with {name} {asked} of {settings}")
        rows = rows.dropna(axis="columns", how="all")
        percent = rows[self.entry["outcomes"]].map(lambda seeds: 100 * np.array(seeds))
        return rows.assign(**percent)

    def outcomes(
        self, *by: str, tuned: Sequence[str] = (), outcome: str = "", **settings: Any
    ) -> pd.Series:
        """An array over the seeds for each value of `by`, at the best of what was tuned.

        More settings can be tuned than the experiment tunes. Without a name, it is of the outcome
        that the experiment reports.
        """
        if "updates" in by:
            settings["updates"] = [self.updates // 5, self.updates]
        rows = self.rows(**settings)
        tuned = [name for name in (*self.entry["tuned"], *tuned) if name not in by]
        for name in rows.columns.intersection(self.entry["by"]):
            if name not in (*by, *tuned, *settings) and rows[name].nunique(dropna=False) > 1:
                values = list(rows[name].unique())
                raise ValueError(f"{self.name}: {name} is any of {values}: say which")
        single = rows.columns[~rows.map(lambda value: isinstance(value, list)).any()]
        fixed = [name for name in single if name not in (*tuned, *self.entry["outcomes"])]
        score = rows.assign(score=rows[self.entry["chosen_by"]].map(np.mean))
        best = score.groupby(fixed, sort=False, dropna=False)["score"].idxmax()
        outcome = outcome or self.entry["outcomes"][0]
        groups = rows.loc[best].groupby(list(by), sort=False, dropna=False)[outcome]
        return groups.agg(lambda seeds: np.mean(list(seeds), axis=0)).rename(None)

    def means(self, *by: str, **settings: Any) -> pd.Series:
        """The mean over the seeds for each value of `by`."""
        return self.outcomes(*by, **settings).map(np.mean)


def error(seeds: np.ndarray) -> float:
    """The standard error of the mean."""
    return float(seeds.std(ddof=1) / len(seeds) ** 0.5)


def mean_and_error(seeds: np.ndarray) -> str:
    """With the standard error of the mean, as tables show it."""
    return f"{seeds.mean():.0f}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{error(seeds):.0f}"


def about(*names: str) -> Markdown:
    """How to repeat a page's experiments, and how they were made: a list for each, which unfolds."""
    text = f"To repeat this, run `nox -s experiments -- {' '.join(names)}` in the folder of relugrad's source code."
    for name in names:
        entry = ENTRIES[name]
        results = sum(len(row[entry["outcomes"][0]]) for row in entry["rows"])
        after = " and ".join(f"{entry['updates'] // part:,}" for part in entry["stages"])
        packages = {k: v for k, v in entry["made_by"].items() if not k.endswith(".py")}
        versions = ", ".join(map(" ".join, (entry["versions"] | packages).items()))
        text += f"""

<details class="record">
<summary>How this was measured: {name}</summary>

- **Question:** {entry["question"]}
- **Results:** {results:,}, after {after} updates, with up to {entry["seeds"]} seeds.
- **When and where:** on {entry["date"]}, on a CPU ({entry["machine"]}), with {versions}.

</details>"""
    return Markdown(text)
