"""The record of the experiments: how it is written, and what the pages read of it."""

import ast
import datetime
import importlib
import inspect
import json
import math
import os
import platform
import re
import time
from importlib.metadata import version
from pathlib import Path

import jax
import pandas as pd

PACKAGES = ["relugrad", "jax", "optax", "scikit-learn"]
FILE = Path(__file__).parents[1] / "_data/experiments.json"

# The record's short names in words, where they aren't: of a column, or of a value in one experiment.
WORDS = {
    "C": "inverse of the penalty of logistic regression",
    "bfloat16": "kept in bfloat16",
    "decay": "decay of the potential in a time step",
    "dead, network": "network or remedy",
    "digits, none": "none (logistic regression)",
    "form": "form of the reset",
    "half": "half-width",
    "hidden": "hidden layer",
    "layer": "kind of layer",
    "lif": "leaky integrate-and-fire",
    "memory, frozen": "hidden weights stay as drawn",
    "memory, rise detached": "no gradient through the raised threshold",
    "neurons": "hidden neurons",
    "presentations": "passes of the pattern",
    "reset": "gradient through the reset",
    "slope": "shape of the surrogate",
    "spike_times, none": "none (hidden weights stay as drawn)",
    "steps": "updates of the weights",
    "strength": "strength of the recurrent weights",
    "width, rule": "rule for the width",
    "width, steps": "updates of the weights, ten times as many for the single neuron",
}


def plain(value):
    """A value for JSON: each outcome with three digits."""
    if isinstance(value, str | int | float):
        return value
    digits = [float(f"{one:.3g}") for one in value.tolist()]
    return [int(one) if one.is_integer() else one for one in digits]


def run(name, quick):
    """The rows of one experiment, and its part of the record."""
    jax.config.update("jax_disable_most_optimizations", quick)  # a quick run mostly compiles
    module = importlib.import_module(f"experiments.{name}")
    start = time.perf_counter()
    found = module.run(**(module.QUICK if quick else {}))
    rows = [{key: plain(value) for key, value in row.items()} for row in found]
    return {
        "question": module.__doc__.splitlines()[0],
        "date": str(datetime.date.today()),
        "seconds": round(time.perf_counter() - start),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "device": jax.devices()[0].platform,
        "fixed": {
            key: one.default
            for key, one in inspect.signature(module.run).parameters.items()
            if isinstance(one.default, int)
        },
        "versions": {package: version(package) for package in PACKAGES},
        "rows": rows,
    }


def settings(rows):
    """The rows without their outcomes, which are lists over the seeds."""
    return [{k: v for k, v in row.items() if not isinstance(v, list)} for row in rows]


def as_text(recorded):
    """JSON with one line for each row."""
    parts = []
    for name, one in sorted(recorded.items()):
        rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in one["rows"])
        head = json.dumps({k: v for k, v in one.items() if k != "rows"}).removesuffix("}")
        parts.append(f'"{name}": {head}, "rows": [\n{rows}\n]}}')
    return "{" + ",\n".join(parts) + "}\n"


def outcomes(name):
    """The rows of one experiment as a table."""
    return pd.DataFrame(json.loads(FILE.read_text(encoding="utf-8"))[name]["rows"])


def in_words(name, key):
    """A column or a value of the record, as prose says it."""
    text = key if isinstance(key, str) else f"{key:g}"
    return WORDS.get(f"{name}, {text}", WORDS.get(text, text))


def listed(name, values):
    """Values in their order: numbers by size, others as the experiment has them. They hold commas."""
    values = sorted(values) if all(isinstance(one, float) for one in values) else list(values)
    if len(values) > 9:
        return f"{len(values)} values from {values[0]:g} to {values[-1]:g}"
    return " · ".join(in_words(name, one) for one in values)


def varied(name, rows):
    """What was varied, and all values, in a line each."""
    lines, counts = [], []
    for column in rows.drop(columns=["alpha", "optimizer", "rate"], errors="ignore"):
        values = rows[column].dropna().unique()
        line = f"{in_words(name, column)}: {listed(name, values)}"
        if column == "width" and "alpha" in rows:  # chosen as pairs
            values = rows[["alpha", "width"]].drop_duplicates().to_numpy()
            pairs = " · ".join(f"{alpha:g} and {width:g}" for alpha, width in values)
            line = f"alpha and width: {pairs}"
        counts.append(len(values))
        lines += [line] * (len(values) > 1)
    if "rate" in rows:
        for optimizer, rates in rows.groupby("optimizer", sort=False)["rate"]:
            lines.append(f"learning rate with {optimizer}: {listed(name, rates.unique())}")
        counts.append(len(rows[["optimizer", "rate"]].dropna().drop_duplicates()))
    else:
        lines.append(f"optimizer: {listed(name, rows['optimizer'].unique())}")
        counts.append(rows["optimizer"].nunique())
    some = "" if math.prod(counts) == len(rows) else ", not in all combinations"
    return "\n".join([f"- **Varied**{some}:", *(f"  - {line}" for line in lines)])


def about(name):
    """How an experiment was made, and how to repeat it: a list in Markdown that unfolds."""
    one = json.loads(FILE.read_text(encoding="utf-8"))[name]
    rows = pd.DataFrame(settings(one["rows"]))
    fixed = dict(one["fixed"])
    seeds = fixed.pop("seeds")
    duration = ", ".join(f"{value:,} {in_words(name, key)}" for key, value in fixed.items())
    script = FILE.parents[1] / f"experiments/{name}.py"
    story = " ".join(ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))).split())
    drawn = " ".join(re.findall(r"(?:A|Each) seed .*?[.](?= |$)", story))
    minutes = round(one["seconds"] / 60)
    took = f"{minutes} minutes" if minutes > 1 else f"{round(one['seconds'], -1)} seconds"
    versions = ", ".join(map(" ".join, one["versions"].items()))
    return f"""\
<details class="record">
<summary>How this was measured</summary>

- **Question:** {one["question"]}
{varied(name, rows)}
- **Seeds:** {seeds} for each of the {len(rows):,} settings, {len(rows) * seeds:,} runs in all. {drawn}
- **Length of a training:** {duration}.
- **Where and when:** {one["device"].upper()} ({one["machine"]}), {one["date"]}, in about {took}. {versions}.
- **To repeat it:** run `nox -s experiments -- {name}` in a clone of the repository.
  `pip install "nox[uv]"` installs nox. The script is `docs/experiments/{name}.py`.

</details>

"""
