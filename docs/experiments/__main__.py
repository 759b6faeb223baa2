"""Run the experiments, and try any surrogate in them.

    nox -s experiments -- [quick] [record] [--surrogate package.module:name] [NAME ...]

Without names, all run. `quick` tries only whether they do. `record` keeps what they find, which the
pages show. `--surrogate` puts another surrogate in the place of ReluGrad, and shows what it reaches
beside the record; with `record`, that is kept too, in a file of its own.

`package.module:name` is a spike function of x, or what returns one when it's called without arguments;
`package.module:name(2.0, width=1.0)` has parameters. In an experiment it is stretched to each peak and
half-width (the distance at which its slope has fallen to half of its peak), so nobody has to know how
its parameters set them. A function of x, peak and half is called with them instead.

    nox -s experiments -- --surrogate relugrad:relu_grad quickstart
    nox -s experiments -- --with braintools --surrogate "braintools.surrogate:Sigmoid(alpha=4.0)" memory
    nox -s experiments -- --with spyx --surrogate spyx.axn:triangular

`--with` installs what it is in. A module of your own is found in the folder where you are.
"""

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import numpy as np

sys.path[0] = str(Path(__file__).parents[1])
sys.path.append(".")
from experiments.experiment import plain
from experiments.record import FIELD, beside, read, settings, write
from experiments.registry import EXPERIMENTS, run_named
from experiments.surrogates import named

UNUSABLE = (AttributeError, ImportError, NameError, SyntaxError, TypeError, ValueError)


def arguments() -> argparse.Namespace:
    """What is asked for; what isn't known is refused."""
    known = ["quick", "record", *EXPERIMENTS]
    as_it_is = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "experiments", None, __doc__, formatter_class=as_it_is, allow_abbrev=False
    )
    parser.add_argument("words", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}")
    parser.add_argument("--surrogate", default="", metavar="package.module:name")
    given = parser.parse_intermixed_args()
    for word in set(given.words) - set(known):
        parser.error(f"{word!r} isn't one of {', '.join(known)}")
    if {"quick", "record"} <= set(given.words):
        parser.error("what a quick run finds isn't worth a record")
    if given.surrogate:
        try:
            named(given.surrogate)
        except UNUSABLE as error:
            accepted = "a spike function of x, as package.module:name or package.module:name(2.0)"
            parser.error(f"--surrogate takes {accepted}, and not {given.surrogate!r}. {error}")
    return given


def show(found: dict[str, Any], surrogate: str, keep: bool) -> None:
    """What another surrogate reaches in an experiment, beside the record; and keep it."""
    both = beside(found, read()[found["name"]])
    change = both["other"] - both["ReluGrad"]
    table = both.map(np.mean).rename(columns={"other": surrogate})
    table["difference"] = change.map(np.mean)
    table["its standard error"] = change.map(lambda of: of.std(ddof=1) / len(of) ** 0.5)
    print(table.round(3).to_string())
    if keep:
        packages = packages_distributions().get(surrogate.partition(":")[0].partition(".")[0], [])
        versions = {name: version(name) for name in (*packages, "relugrad", "jax")}
        field = read(FIELD)
        rows = [r for r in field.get(surrogate, {"rows": []})["rows"] if r["name"] != found["name"]]
        for row in both.reset_index().to_dict("records"):
            rows.append({"name": found["name"]} | {k: plain(v) for k, v in row.items()})
        write(field | {surrogate: {"versions": versions, "rows": rows}}, FIELD)


def main() -> None:
    """Run what is asked for, two at a time."""
    given, missing = arguments(), []
    quick, keep = (word in given.words for word in ("quick", "record"))
    if quick:  # which mostly compiles
        os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    names = [name for name in EXPERIMENTS if name in given.words] or list(EXPERIMENTS)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        running = [pool.submit(run_named, name, given.surrogate, quick) for name in names]
        for future in as_completed(running):
            found = future.result()
            print(f"\n{found['name']}: {found['question']}")
            print(f"    {len(found['rows'])} rows, {found['seconds']} s", flush=True)
            if given.surrogate and not quick:
                show(found, given.surrogate, keep)
            elif keep:
                write(read() | {found["name"]: found})
            elif not given.surrogate:
                known = settings(read().get(found["name"], {"rows": []}))
                missing += [found["name"]] * any(row not in known for row in settings(found))
    if missing:
        sys.exit(f"Record again, because of settings that the record lacks: {', '.join(missing)}")


if __name__ == "__main__":
    main()
