"""The record of the experiments: how it is kept, and what of it counts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FILE = Path(__file__).parents[1] / "_data/experiments.json"
FIELD = FILE.with_name("field.json")  # what other surrogates reach


def read(file: Path = FILE) -> dict[str, Any]:
    """The whole record."""
    recorded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return recorded


def write(recorded: Mapping[str, Any], file: Path = FILE) -> None:
    """JSON with one line for each row."""
    text = json.dumps(dict(sorted(recorded.items())), separators=(",", ":"))
    file.write_text(text.replace("[{", "[\n{").replace("},{", "},\n{") + "\n", "utf-8")


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
