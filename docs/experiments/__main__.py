"""Run the experiments: `python docs/experiments [record] [quick] [NAME ...]`.

An experiment is a module with a function `run`, which returns rows. In a row, numbers and strings
are the settings, and arrays the outcomes, one for each seed. `quick` takes few seeds and few steps, and
checks that the settings are those of the record.
"""

import datetime
import importlib
import inspect
import json
import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
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
            key: one.default for key, one in inspect.signature(module.run).parameters.items()
        },
        "versions": {package: version(package) for package in PACKAGES},
        "rows": rows,
    }


def main(arguments):
    """Run what is asked for, two at a time, and show how long each took."""
    quick = "quick" in arguments
    names = [name for name in NAMES if name in arguments] or NAMES
    recorded = json.loads(FILE.read_text()) if FILE.exists() else {}
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(run, name, quick): name for name in names}
        for future in as_completed(running):
            name, found = running[future], future.result()
            print(f"{name}: {found['question']}")
            print(f"    {len(found['rows'])} settings, {found['seconds']} s", flush=True)
            if "record" in arguments:
                recorded[name] = found
            elif settings(found["rows"]) != settings(recorded[name]["rows"]):
                sys.exit(f"{name}: these settings aren't those of the record; record it again")
    if "record" in arguments:
        FILE.write_text(as_text(recorded))


if __name__ == "__main__":
    main(sys.argv[1:])
