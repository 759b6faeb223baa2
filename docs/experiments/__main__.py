"""Run the experiments, and try any surrogate in them.

    nox -s experiments -- [check | quick | record] [--surrogate package.module:name] [NAME ...]

Without names, all run. `record` keeps what they find, which the pages show. `check` runs a sample and
compares it with the record. `quick` tries only whether they run. `--surrogate` puts another surrogate
in the place of ReluGrad, and shows what it reaches beside the record; with `record`, that is kept too,
in a file of its own.

`package.module:name` is a spike function of x, or what returns one when it's called without arguments;
`package.module:name(2.0, width=1.0)` has parameters. In an experiment it is stretched to each peak and
half-width (the distance at which its slope has fallen to half of its peak), so nobody has to know how
its parameters set them. A function of x, peak and half is called with them instead.

    nox -s experiments -- --surrogate relugrad:relu_grad neuron
    nox -s experiments -- --with braintools --surrogate "braintools.surrogate:Sigmoid(alpha=4.0)" two_cues
    nox -s experiments -- --with spyx --surrogate spyx.axn:triangular

`--with` installs what it is in. A module of your own is found in the folder where you are.
"""

import argparse
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import packages_distributions, version
from pathlib import Path

import numpy as np
import pandas as pd

sys.path[0] = str(Path(__file__).parents[1])
sys.path.append(".")
from experiments.catalogue import EXPERIMENTS, run_named
from experiments.check import compared
from experiments.record import FIELD, chosen, read, write
from experiments.surrogates import named

UNUSABLE = (AttributeError, ImportError, NameError, SyntaxError, TypeError, ValueError)


def arguments() -> argparse.Namespace:
    """What is asked for; what isn't known is refused."""
    parser = argparse.ArgumentParser("experiments", allow_abbrev=False)
    parser.description, parser.formatter_class = __doc__, argparse.RawDescriptionHelpFormatter
    known = ["check", "quick", "record", *EXPERIMENTS]
    parser.add_argument("words", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}")
    parser.add_argument("--surrogate", default="", metavar="package.module:name")
    given = parser.parse_intermixed_args()
    if unknown := set(given.words) - set(known):
        parser.error(f"{', '.join(unknown)}: what can be asked for is {', '.join(known)}")
    if len(set(given.words) & set(known[:3])) > 1:
        parser.error("check, quick and record exclude each other")
    if given.surrogate:
        try:
            named(given.surrogate)
        except UNUSABLE as error:
            parser.error(f"{given.surrogate!r} isn't package.module:name of a surrogate. {error}")
    return given


def main() -> None:
    """Run what is asked for, two at a time."""
    given = arguments()
    checked, quick, keep = (word in given.words for word in ("check", "quick", "record"))
    # One thread in each of two processes: on two cores, two in each take up to twice the time.
    os.environ["NPROC"] = "1"
    if quick:  # it mostly compiles
        os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    names = [name for name in EXPERIMENTS if name in given.words] or list(EXPERIMENTS)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        if checked:
            differs = False
            for agreement, rows in pool.map(compared, names):
                print(agreement, *rows, sep="\n    ", flush=True)
                differs |= bool(rows)
            sys.exit(differs)
        running = {pool.submit(run_named, name, given.surrogate, quick): name for name in names}
        for future in as_completed(running):
            name, found = running[future], future.result()
            print(f"\n{name}: {found['question']}")
            print(f"    {len(found['rows'])} rows, {found['seconds']} s", flush=True)
            if keep and not given.surrogate:
                write(read() | {name: found})
            elif given.surrogate and not quick:  # beside the record
                both = {given.surrogate: chosen(found), "ReluGrad": chosen(read()[name])}
                table = pd.concat(both, axis=1, join="inner")
                change = table[given.surrogate] - table["ReluGrad"]
                table = table.map(np.mean).assign(difference=change.map(np.mean))
                table["its standard error"] = change.map(lambda of: of.std(ddof=1) / len(of) ** 0.5)
                print(table.round(3).to_string())
                if keep:
                    table.columns = ["surrogate", "ReluGrad", "difference", "error"]
                    rows = json.loads(table.round(4).reset_index().to_json(orient="records"))
                    module = given.surrogate.partition(":")[0].partition(".")[0]
                    tried = {of: version(of) for of in packages_distributions().get(module, [])}
                    field = read(FIELD) if FIELD.exists() else {}
                    kept = field.get(given.surrogate, {}) | {name: rows, "versions": tried}
                    write(field | {given.surrogate: kept}, FIELD)


if __name__ == "__main__":
    main()
