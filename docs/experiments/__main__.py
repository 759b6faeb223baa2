"""Run experiments, record what they find, and try any surrogate in them.

    nox -s experiments -- [record | check] [NAME ...] [setting=value ...] [--surrogate ...]

Without names, all run. Only the cases with these settings run, if there are any. What is found is
shown beside the record. `record` writes it to the record, which the pages show; without settings, it
runs what the record lacks: all cases of what was recorded with other code or another JAX, and otherwise
the cases that are new. `check` runs a small sample and fails where it differs from the record.

    nox -s experiments -- record field_tasks task=wine changed=nothing

`--surrogate package.module:name` puts another surrogate in the place of ReluGrad. It is a spike function
of x, or what returns one when it's called without arguments; `package.module:name(2.0, width=1.0)` has
parameters. In an experiment it is stretched to each peak and half-width (the distance at which its slope
has fallen to half of its peak), so nobody has to know how its parameters set them. A function of x, peak
and half is called with them instead. `--with` installs what it is in; a module of your own is found in
the folder where you are.

    nox -s experiments -- --with spyx --surrogate spyx.axn:superspike lsnn_parts
"""

import argparse
import importlib
import inspect
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace

import pandas as pd

from evidence.results import Results
from experiments.catalogue import EXPERIMENTS
from experiments.check import differing
from experiments.experiment import run
from experiments.network import Case
from experiments.record import Row, is_current, read, renewed, settings, wanted, write
from experiments.surrogates import Surrogate, stretched, triangle


def named(text: str) -> Surrogate:
    """The surrogate of `package.module:name`, or of `package.module:name(its parameters)`."""
    module, _, expression = text.partition(":")
    spike = eval(expression, dict(vars(importlib.import_module(module))))
    parameters = inspect.signature(spike).parameters
    if {"peak", "half"} <= set(parameters):
        return lambda peak, half: lambda x: spike(x, peak=peak, half=half)
    required = [value for value in parameters.values() if value.default is value.empty]
    return stretched(spike if required else spike())


def selected(name: str, asked: dict[str, str], record: bool) -> Sequence[Case]:
    """The cases of an experiment with these settings, or those that the record lacks."""
    experiment, entry = EXPERIMENTS[name], read().get(name)
    current = is_current(entry, experiment)
    if asked:
        cases = experiment.cases
        cases = [case for case in cases if all(str(case.get(k)) == asked[k] for k in asked)]
        if cases and record and not current:
            sys.exit(f"{name} was recorded with other code or another JAX: record all of it")
        return cases
    recorded = {settings(row) for row in entry["rows"]} if entry and record and current else set()
    return [
        case for case in experiment.cases if not recorded.issuperset(wanted(experiment, [case]))
    ]


def rows_of(name: str, cases: Sequence[Case], surrogate: str) -> list[Row]:
    """Run some cases of an experiment; another surrogate takes the place of the triangle."""
    if surrogate:
        cases = [case for case in cases if case.get("shape", "triangle") == "triangle"]
    rows, start = list[Row](), time.perf_counter()
    experiment = replace(EXPERIMENTS[name], cases=cases)
    for of_program in run(experiment, named(surrogate) if surrogate else triangle):
        rows += of_program
        seconds = time.perf_counter() - start
        print(f"{name}: {len(rows) // 2} of {len(cases)} cases in {seconds:.0f} s", flush=True)
    return rows


def show(name: str, rows: Sequence[Row]) -> None:
    """The means of what was found, beside the record."""
    experiment = EXPERIMENTS[name]
    entries = {"now": renewed({}, experiment, rows), "recorded": read().get(name)}
    means = {
        title: Results(name, entry).means(*experiment.by)
        for title, entry in entries.items()
        if entry
    }
    print(f"\n{name}: {experiment.question}", pd.DataFrame(means).dropna().round(1), sep="\n")


def main() -> None:
    """Run what is asked for, two at a time."""
    parser = argparse.ArgumentParser("experiments", allow_abbrev=False)
    parser.description, parser.formatter_class = __doc__, argparse.RawDescriptionHelpFormatter
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--surrogate", default="", metavar="package.module:name")
    given = parser.parse_intermixed_args()
    asked = dict(word.split("=", 1) for word in given.words if "=" in word)
    words = {word for word in given.words if "=" not in word}
    if unknown := words - {"record", "check", *EXPERIMENTS}:
        parser.error(f"{unknown}: what can be asked for is record, check, {', '.join(EXPERIMENTS)}")
    if (record := "record" in words) and given.surrogate:
        parser.error("only what ReluGrad reaches is recorded")
    names = [name for name in EXPERIMENTS if name in words] or list(EXPERIMENTS)
    # One thread in each of two processes: on two cores, two in each take up to twice the time.
    os.environ["NPROC"] = "1"
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        if "check" in words:
            sys.exit(any([*pool.map(differing, names)]))
        cases = {name: selected(name, asked, record) for name in names}
        running = {
            pool.submit(rows_of, name, cases[name], given.surrogate): name
            for name in names
            if cases[name] or record
        }
        for future in as_completed(running):
            name, rows = running[future], future.result()
            if rows:
                show(name, rows)
            if record:
                entry = renewed(read().get(name, {}), EXPERIMENTS[name], rows)
                write(read() | {name: entry})


if __name__ == "__main__":
    main()
