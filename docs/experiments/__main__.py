"""Run the experiments: `python docs/experiments [record] [quick] [NAME ...]`.

An experiment is a module with a function `run`, which returns rows. In a row, numbers and strings
are the settings, and arrays the outcomes, one for each seed. `quick` takes few seeds and few steps, and
checks that the settings are those of the record.
"""

import datetime
import importlib
import inspect
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import jax

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from experiments.record import FILE, as_text, settings

NAMES = [
    "quickstart",
    "reset",
    "memory",
    "width",
    "spike_times",
    "dead",
    "online",
    "bfloat16",
    "digits",
]
PACKAGES = ["relugrad", "jax", "optax", "scikit-learn"]


def plain(value):
    """A value for JSON: each outcome with three digits."""
    if isinstance(value, str | int | float):
        return value
    digits = [float(f"{one:.3g}") for one in value.tolist()]
    return [int(one) if one.is_integer() else one for one in digits]


def main(arguments):
    """Run what is asked for, and show how long each took."""
    names = [name for name in NAMES if name in arguments] or NAMES
    recorded = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in names:
        module = importlib.import_module(f"experiments.{name}")
        print(f"{name}: {module.__doc__.splitlines()[0]}", flush=True)
        start = time.perf_counter()
        found = module.run(**(module.QUICK if "quick" in arguments else {}))
        rows = [{key: plain(value) for key, value in row.items()} for row in found]
        seconds = time.perf_counter() - start
        print(f"    {len(rows)} settings, {seconds:.0f} s", flush=True)
        if "record" in arguments:
            about = {"date": str(datetime.date.today()), "seconds": round(seconds)}
            about |= {"machine": f"{platform.machine()}, {os.cpu_count()} cores"}
            about |= {"device": jax.devices()[0].platform}
            arguments_of_run = inspect.signature(module.run).parameters.values()
            about |= {"fixed": {one.name: one.default for one in arguments_of_run}}
            about |= {"versions": {package: version(package) for package in PACKAGES}}
            recorded[name] = about | {"rows": rows}
        elif settings(rows) != settings(recorded[name]["rows"]):
            sys.exit(f"{name}: these settings aren't those of the record; record it again")
    if "record" in arguments:
        FILE.write_text(as_text(recorded))


if __name__ == "__main__":
    main(sys.argv[1:])
