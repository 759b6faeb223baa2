"""Run experiments, record what they find, and try any surrogate in them.

    nox -s experiments -- [record | check] [NAME ...] [setting=value ...] [--surrogate ...]

Without names, all run. Only the cases with these settings run, if there are any. What is found is
shown beside the record. `record` writes it to the record, which the pages show; without settings, it
runs what the record lacks: all cases of what was recorded with other code or another JAX, and otherwise
the cases that are new. `check` runs a small sample and fails where it differs from the record.

    nox -s experiments -- record field_tasks task=wine

`--surrogate package.module:name` puts another surrogate in the place of ReluGrad. It is a spike function
of x, or what returns one when it's called without arguments; `package.module:name(2.0, width=1.0)` has
parameters. In an experiment it is stretched to each peak and half-width (the distance at which its slope
has fallen to half of its peak), so nobody has to know how its parameters set them. A function of x, peak
and half is called with them instead. `--with` installs what it is in; a module of your own is found in
the folder where you are.

    nox -s experiments -- --with spyx --surrogate spyx.axn:superspike memory
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import pandas as pd

from evidence.results import Results
from experiments.catalogue import EXPERIMENTS
from experiments.experiment import parts
from experiments.network import Case
from experiments.record import Row, is_current, read, renewed, settings, wanted, write
from experiments.runs import differing, rows_of


def selected(name: str, asked: dict[str, str], record: bool) -> Sequence[Case]:
    """The cases of an experiment with these settings, or those that the record lacks."""
    experiment, entry = EXPERIMENTS[name], read().get(name)
    current = is_current(entry, experiment)
    kept = {settings(row) for row in entry["rows"]} if entry and record and current else set()
    if not asked:
        return [
            case for case in experiment.cases if not kept.issuperset(wanted(experiment, [case]))
        ]
    cases = [c for c in experiment.cases if all(str(c.get(k)) == asked[k] for k in asked)]
    if cases and record and not current:
        again = f"nox -s experiments -- record {name}"
        sys.exit(
            f"{name} was recorded with other code or another JAX; to record all of it: {again}"
        )
    return cases


def show(name: str, rows: Sequence[Row]) -> None:
    """The means of what was found, beside what is recorded of the same cases."""
    experiment, again = EXPERIMENTS[name], {settings(row) for row in rows}
    entry = read().get(name, {"rows": [], "outcomes": list(experiment.outcomes)})
    alike = entry["outcomes"] == list(experiment.outcomes)
    recorded = [row for row in entry["rows"] if alike and settings(row) in again]
    means = {
        title: Results(name, renewed({}, experiment, reached)).means(*experiment.by)
        for title, reached in (("now", rows), ("recorded", recorded))
        if reached
    }
    print(f"\n{name}: {experiment.question}", pd.DataFrame(means).round(1).to_string(), sep="\n")


def keep(name: str, rows: Sequence[Row]) -> None:
    """Write an experiment as it is now, with new rows if there are any, but no rows of other code."""
    entries, experiment = read(), EXPERIMENTS[name]
    entry = entries.get(name, {})
    entry = entry if not rows or is_current(entry or None, experiment) else {}
    write(
        {n: e for n, e in entries.items() if n in EXPERIMENTS}
        | {name: renewed(entry, experiment, rows)}
    )


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
        if asked and not any(cases.values()):
            parser.error(f"no case of {', '.join(names)} has {asked}")
        running = {
            pool.submit(rows_of, name, part, given.surrogate): name
            for name in names
            for part in parts(cases[name])
        }
        for future in as_completed(running):
            name, rows = running[future], future.result()
            if record:
                keep(name, rows)
            show(name, rows)
    for name in names if record and not asked else []:
        keep(name, [])  # for what changes without a run: a case leaves, or the question is another


if __name__ == "__main__":
    main()
