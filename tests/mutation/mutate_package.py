"""Change the package in every way that cosmic-ray knows, one at a time.

Each change has to make the documentation fail: the docstrings, the README and the pages named here.
What survives has to be in `equivalent.toml`, with the reason why it can't be noticed. Run by
`nox -s mutated_package`, which fails if the site shows other numbers; `-- --record FILE` renews them.
"""

import argparse
import contextlib
import multiprocessing
import os
import queue
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path

import jax
import pytest
from cosmic_ray.commands import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import MutationSpec
from tqdm import tqdm

from tests.mutation.counts import ROOT, kept

PACKAGE = Path("src", "relugrad")
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
# What takes least and says most comes first, since the first failure is enough. The pages that train
# a network or draw a record would say nothing of the package that these don't say sooner.
DOCUMENTATION = [
    "README.md",
    "docs/reference/special-values.md",
    "src",
    "docs/explanation/custom-vjp.md",
    "docs/how-to/forward-mode.md",
    "docs/how-to/per-neuron.md",
    "docs/how-to/sweep.md",
]
SUITE = ["-x", "-q", "-p", "no:cacheprovider", "--doctest-modules", *DOCUMENTATION]
TIMEOUT = 120  # seconds, for a change that makes the suite run for ever


def mutations() -> list[MutationSpec]:
    """Each place of the package at which an operator of cosmic-ray changes something."""
    with tempfile.TemporaryDirectory() as folder:
        database = WorkDB(Path(folder, "work.sqlite"), WorkDB.Mode.create)
        init(sorted((ROOT / PACKAGE).glob("*.py")), database, {})
        specs = [mutation for item in database.work_items for mutation in item.mutations]
        database.close()
    return specs


def copy_of_project(folder: str) -> Path:
    """Make a copy of the project that may be changed."""
    copy = Path(tempfile.mkdtemp(dir=folder))
    ignored = shutil.ignore_patterns("_build", "__pycache__")
    for name in ("src", "docs", "README.md", "conftest.py", "pyproject.toml"):
        original = ROOT / name
        if original.is_dir():
            shutil.copytree(original, copy / name, ignore=ignored)
        else:
            shutil.copy(original, copy / name)
    return copy


def run_suite(copy: Path) -> None:
    """Exit as pytest does on this copy of the project. Runs in a process of its own."""
    os.chdir(copy)
    sys.path.insert(0, str(copy / "src"))  # before the project that is installed
    sys.dont_write_bytecode = True
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # they are not used, and slow to import
    # Most programs of the examples are the same for each mutant, and it took half of the time to
    # compile them. The cache knows a program by its whole text; one that differs is compiled.
    jax.config.update("jax_compilation_cache_dir", str(copy / "cache"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        status = pytest.main(SUITE)
    sys.exit(status)


def passes(copy: Path) -> bool:
    """Whether the suite passes on this copy of the project."""
    process = multiprocessing.get_context("forkserver").Process(target=run_suite, args=(copy,))
    process.start()
    process.join(TIMEOUT)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode == 0


def survivor(mutation: MutationSpec, copies: queue.Queue[Path]) -> str | None:
    """Run the suite on the mutant. None if it was killed, else the lines that were changed."""
    copy = copies.get()
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    module = copy / PACKAGE / mutation.module_path.name
    with use_mutation(module, operator, mutation.occurrence) as (original, mutated):
        survived = passes(copy)
    assert mutated is not None, "cosmic-ray does not find again what it has found"
    copies.put(copy)
    if not survived:
        return None
    lines = list(unified_diff(original.splitlines(), mutated.splitlines(), n=0, lineterm=""))[2:]
    old, new = (" ".join(_changed(lines, sign)) for sign in "-+")
    return f"{module.stem}: {old} -> {new}"


def _changed(diff: list[str], sign: str) -> Iterator[str]:
    return (line[1:].strip() for line in diff if line.startswith(sign))


def main(record: Path | None) -> int:
    """Try all mutants; print the survivors that have no reason to survive, and the counts."""
    groups = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    expected = {mutant for group in groups for mutant in group["mutants"]}
    specs = mutations()
    # Each suite runs in a fork of a process that has imported what takes long to import: for the
    # examples, and for this script, which the fork imports as well.
    preload = ["jax.numpy", "matplotlib.pyplot", "pytest", "sybil", "cosmic_ray.commands"]
    multiprocessing.set_forkserver_preload(preload)
    copies: queue.Queue[Path] = queue.Queue()
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            copies.put(copy_of_project(folder))
        if not passes(copies.queue[0]):
            sys.exit("The documentation fails without any mutant.")
        outcomes = pool.map(survivor, specs, [copies] * len(specs))
        survivors = [
            mutant
            for mutant in tqdm(outcomes, total=len(specs), disable=None)
            if mutant is not None
        ]

    missed = sorted(mutant for mutant in survivors if mutant not in expected)
    killed = sorted(expected.difference(survivors))
    for mutant in missed:
        print("missed:", mutant)
    for mutant in killed:
        print("listed as equivalent, and killed:", mutant)
    counts = {
        "mutants": len(specs),
        "killed": len(specs) - len(survivors),
        "equivalent": len(survivors) - len(missed),
        "missed": len(missed),
    }
    print("package:", ", ".join(f"{number} {what}" for what, number in counts.items()))
    good = kept(counts, record, "mutated_package", "docs/_data/mutants.json")
    return bool(missed or killed or not good)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the counts, as JSON")
    sys.exit(main(**vars(parser.parse_args())))
