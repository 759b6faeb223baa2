"""The record of the experiments: how it is written, and what the pages read of it."""

import datetime
import importlib
import inspect
import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import jax
import pandas as pd

PACKAGES = ["relugrad", "jax", "optax", "scikit-learn"]
FILE = Path(__file__).parents[1] / "_data/experiments.json"


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


def about(name):
    """What was varied, how often it ran, with what, and how to repeat it, as Markdown."""
    one = json.loads(FILE.read_text(encoding="utf-8"))[name]
    rows = pd.DataFrame(settings(one["rows"]))
    seeds = one["fixed"]["seeds"]
    fixed = "; ".join(
        f"{value:,} {name}" for name, value in one["fixed"].items() if name != "seeds"
    )
    varied = [
        f"{column} ({', '.join(map(str, values)) if len(values) < 9 else f'{len(values)} values'})"
        for column in rows
        if len(values := sorted(rows[column].dropna().unique())) > 1
    ]
    versions = ", ".join(map(" ".join, one["versions"].items()))
    return (
        f"**Record.** Varied: {'; '.join(varied)}. Fixed: {fixed}. {len(rows)} settings, each with {seeds} "
        f"seeds: {len(rows) * seeds:,} runs in {one['seconds']} s on {one['machine']}, {one['date']}, "
        f"{versions}. Repeat it with `nox -s experiments -- {name}`; it stands in "
        f"`docs/experiments/{name}.py`."
    )
