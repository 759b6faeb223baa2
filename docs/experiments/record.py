"""The record of the experiments: how it is kept, and what the pages read of it."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FILE = Path(__file__).parents[1] / "_data/experiments.json"
FIELD = FILE.with_name("field.json")  # what other surrogates reach
# The record's short names of settings in words, where they aren't.
WORDS = {
    "adaptive": "share of the neurons that adapt their thresholds",
    "assumed": "firing rate that the rule for weights assumes",
    "beta": "rise of the threshold with a spike",
    "bfloat16": "kept in bfloat16",
    "data": "series",
    "decay": "decay of the potential in a time step",
    "form": "form of the reset",
    "half": "half-width",
    "hidden": "hidden layer",
    "highest": "upper bound of the firing rates",
    "layer": "kind of layer",
    "linear": "a linear model of",
    "lowest": "lower bound of the firing rates",
    "neurons": "hidden neurons",
    "normalized": "mean and deviation of the currents over",
    "potentials": "penalty on low potentials",
    "reset": "gradient through the reset",
    "rise_attached": "gradient through the raised threshold (0: none)",
    "scale": "scale of the weights",
    "shape": "shape of the surrogate",
    "strength": "strength of the recurrent weights",
    "synapse": "decay of the synaptic current",
    "xi": "deviations of the potential up to the threshold, in the rule for weights",
}


def read(file: Path = FILE) -> dict[str, Any]:
    """The whole record."""
    recorded: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return recorded


def settings(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cases of an experiment, in its rows."""
    apart = one.get("length")
    return [
        {k: v for k, v in row.items() if k != apart and not isinstance(v, list)}
        for row in one["rows"]
    ]


def write(recorded: Mapping[str, Any], file: Path = FILE) -> None:
    """JSON with one line for each row."""
    parts = []
    for name, one in sorted(recorded.items()):
        rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in one["rows"])
        head = json.dumps({k: v for k, v in one.items() if k != "rows"}).removesuffix("}")
        parts.append(f'{json.dumps(name)}: {head}, "rows": [\n{rows}\n]}}')
    file.write_text("{" + ",\n".join(parts) + "}\n", "utf-8")


def outcomes(name: str) -> pd.DataFrame:
    """The rows of one experiment as a table: settings, and outcomes as arrays over the seeds."""
    rows = pd.DataFrame(read()[name]["rows"])
    return rows.map(lambda cell: np.array(cell) if isinstance(cell, list) else cell)


def chosen(one: Mapping[str, Any]) -> pd.Series:
    """What an experiment reports, for each seed, by its settings and the length of the training.

    The best of what is tuned is chosen by validation, or by each half of the seeds for the other.
    """
    rows = pd.DataFrame(one["rows"])
    by = [*one["by"], one["length"]]
    lists = [name for name in rows if isinstance(rows[name].dropna().iloc[0], list)]
    others = [name for name in rows if name not in (*lists, *one["tuned"], *by)]
    sign = 1 if one["best"] == "highest" else -1

    def at_best(group: pd.DataFrame) -> Any:
        seeds = np.array(group[one["outcome"]].tolist())
        if one["chosen_by"]:
            return seeds[(sign * np.array(group[one["chosen_by"]].tolist())).mean(axis=1).argmax()]
        halves = np.array_split(sign * seeds, 2, axis=1)
        best = [half.mean(axis=1).argmax() for half in halves]
        return sign * np.concatenate([halves[0][best[1]], halves[1][best[0]]])

    found = {
        key: at_best(group) for key, group in rows.groupby(by + others, sort=False, dropna=False)
    }
    best = pd.Series(list(found.values()), pd.MultiIndex.from_tuples(found, names=by + others))
    return best.groupby(by, sort=False, dropna=False).agg(lambda of: np.mean(list(of), axis=0))


def beside(other: Mapping[str, Any], ours: Mapping[str, Any]) -> pd.DataFrame:
    """What another surrogate reaches with the same seeds as ours."""
    both = {"other": chosen(other), "ReluGrad": chosen(ours)}
    return pd.concat(both, axis=1, join="inner")


def listed(values: Iterable[Any], say: Callable[[Any], str]) -> str:
    """Values in their order. They hold commas."""
    values = list(dict.fromkeys(values))
    if len(values) > 9:
        return f"{len(values)} values from {min(values):g} to {max(values):g}"
    return " · ".join(map(say, values))


def about(name: str) -> str:
    """How an experiment was made, and how to repeat it: a list in Markdown that unfolds."""
    one = read()[name]
    rows, words = pd.DataFrame(one["rows"]), WORDS | one["words"]

    def say(value: Any) -> str:
        return words.get(value, value) if isinstance(value, str) else f"{value:g}"

    lines = []
    for column in [name for name in rows if name not in ("optimizer", one["length"])]:
        values = rows[column].dropna()
        if column == "rate":
            for optimizer, of_optimizer in rows.groupby("optimizer", sort=False)["rate"]:
                lines.append(f"  - learning rate with {optimizer}: {listed(of_optimizer, say)}")
        elif not isinstance(values.iloc[0], list) and values.nunique() > 1:
            lines.append(f"  - {say(column)}: {listed(values, say)}")
    varied = "\n".join(lines)
    lengths = " and ".join(f"{length:,}" for length in rows[one["length"]].unique())
    runs = len(rows) // rows[one["length"]].nunique()
    versions = ", ".join(map(" ".join, one["versions"].items()))
    trained = f"\n- **Outcomes** are those after {lengths} {one['length']}." * bool(one["updates"])
    return f"""\
<details class="record">
<summary>How this was measured</summary>

- **Question:** {one["question"]}
- **Varied:**
{varied}
- **Seeds:** {one["seeds"]} for each of the {runs:,} settings, {runs * one["seeds"]:,} runs in all. {one["drawn"]}{trained}
- **Where and when:** {one["device"].upper()} ({one["machine"]}), {one["date"]}, in {one["seconds"]} seconds. {versions}.
- **To repeat it:** run `nox -s experiments -- {name}` in a clone of the repository.
  `pip install "nox[uv]"` installs nox. The scripts are in `docs/experiments`.

</details>

"""
