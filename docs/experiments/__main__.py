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
from typing import Any

import numpy as np
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


UNUSABLE = (AttributeError, ImportError, NameError, SyntaxError, TypeError, ValueError)


def arguments() -> argparse.Namespace:
    """What is asked for; what isn't known is refused."""
    parser = argparse.ArgumentParser("experiments", allow_abbrev=False)
    parser.description, parser.formatter_class = __doc__, argparse.RawDescriptionHelpFormatter
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--surrogate", default="", metavar="package.module:name")
    given = parser.parse_intermixed_args()
    given.settings = dict(word.split("=", 1) for word in given.words if "=" in word)
    words, known = {word for word in given.words if "=" not in word}, ["check", "record"]
    if unknown := words - {*known, *EXPERIMENTS}:
        given_names = ", ".join([*known, *EXPERIMENTS])
        parser.error(f"{', '.join(sorted(unknown))}: what can be asked for is {given_names}")
    given.record, given.check = "record" in words, "check" in words
    if given.record + given.check + bool(given.surrogate) > 1:
        parser.error("record, check and --surrogate exclude each other")
    if given.surrogate:
        try:
            named(given.surrogate)
        except UNUSABLE as error:
            parser.error(f"{given.surrogate!r} isn't package.module:name of a surrogate. {error}")
    names = [name for name in EXPERIMENTS if name in words] or list(EXPERIMENTS)
    given.cases = {name: cases_to_run(name, given) for name in names}
    if given.settings and not any(given.cases.values()):
        parser.error(f"no case of {', '.join(names)} has {given.settings}")
    for name in names if given.record and given.settings else []:
        if given.cases[name] and not is_current(read().get(name), EXPERIMENTS[name]):
            parser.error(f"{name} was recorded with other code or another JAX: record all of it")
    return given


def cases_to_run(name: str, given: argparse.Namespace) -> list[Case]:
    """Those of an experiment that are asked for."""
    experiment, entry = EXPERIMENTS[name], read().get(name)
    cases = list(experiment.cases)
    if given.settings:
        asked = given.settings.items()
        cases = [case for case in cases if all(str(case.get(k)) == v for k, v in asked)]
    elif given.record and entry and is_current(entry, experiment):
        recorded = {settings(row) for row in entry["rows"]}
        cases = [case for case in cases if not recorded.issuperset(wanted(experiment, [case]))]
    if given.surrogate:  # in the place of the triangle
        cases = [case for case in cases if case.get("shape", "triangle") == "triangle"]
    return cases


def rows_of(name: str, cases: Sequence[Case], surrogate: str) -> list[Row]:
    """Run some cases of an experiment."""
    rows, start = list[Row](), time.perf_counter()
    experiment = replace(EXPERIMENTS[name], cases=cases)
    for of_program in run(experiment, named(surrogate) if surrogate else triangle):
        rows += of_program
        seconds = time.perf_counter() - start
        print(f"{name}: {len(rows) // 2} of {len(cases)} cases in {seconds:.0f} s", flush=True)
    return rows


def show(name: str, rows: Sequence[Row]) -> None:
    """What was found beside what is recorded of the same cases."""
    experiment, entry = EXPERIMENTS[name], read().get(name, {"rows": []})
    again = {settings(row) for row in rows}
    then = [row for row in entry["rows"] if settings(row) in again]
    tables = {
        title: Results(name, renewed({}, experiment, of)).outcomes(*experiment.by, "updates")
        for title, of in (("now", rows), ("recorded", then))
        if of
    }
    table = pd.concat(tables, axis=1)
    shown = table.map(np.mean)
    if "recorded" in table:
        change = table["now"] - table["recorded"]
        shown["difference"] = change.map(np.mean)
        shown["its error"] = change.map(lambda seeds: seeds.std(ddof=1) / len(seeds) ** 0.5)
    print(f"\n{name}: {experiment.question}", shown.round(2).to_string(), sep="\n", flush=True)


def main() -> None:
    """Run what is asked for, two at a time."""
    given = arguments()
    # One thread in each of two processes: on two cores, two in each take up to twice the time.
    os.environ["NPROC"] = "1"
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        if given.check:
            found = dict(zip(given.cases, pool.map(differing, given.cases), strict=True))
            for name, lines in found.items():
                print(f"{name}: {len(lines)} of the sample's outcomes differ", *lines, sep="\n    ")
            sys.exit(any(found.values()))
        running = {
            pool.submit(rows_of, name, cases, given.surrogate): name
            for name, cases in given.cases.items()
            if cases or given.record
        }
        for future in as_completed(running):
            name, rows = running[future], future.result()
            if rows:
                show(name, rows)
            if given.record:
                entries = read()
                entry = renewed(entries.get(name, {}), EXPERIMENTS[name], rows)
                write(entries | {name: entry})


if __name__ == "__main__":
    main()
