"""Change the package in every way that cosmic-ray knows, one at a time.

Each change has to make the documentation fail: the docstrings, the README and the pages named here.
What survives has to be in `equivalent.toml`, with the reason why it can't be noticed. Run by
`nox -s mutated_package`; `-- --record FILE` keeps the numbers for the site.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import MutationSpec
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src", "relugrad")
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
# The pages that train a network say nothing of the package that these don't say sooner.
DOCUMENTATION = [
    "src",
    "README.md",
    "docs/reference",
    "docs/explanation/custom-vjp.md",
    "docs/how-to/forward-mode.md",
    "docs/how-to/per-neuron.md",
    "docs/how-to/sweep.md",
]
SUITE = ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--doctest-modules", *DOCUMENTATION]
COMMAND = " ".join([sys.executable, *SUITE])
TIMEOUT = 300  # seconds, for a change that makes the suite run for ever


def mutations() -> list[MutationSpec]:
    """Each place of the package at which an operator of cosmic-ray changes something."""
    with tempfile.TemporaryDirectory() as folder:
        database = WorkDB(Path(folder, "work.sqlite"), WorkDB.Mode.create)
        init(sorted((ROOT / PACKAGE).glob("*.py")), database, {})
        specs = [mutation for item in database.work_items for mutation in item.mutations]
        database.close()
    return specs


def work_in_a_copy(folder: str) -> None:
    """Give this process a copy of the project, which it may change."""
    copy = Path(tempfile.mkdtemp(dir=folder))
    for name in ("src", "docs", "README.md", "conftest.py", "pyproject.toml"):
        original = ROOT / name
        if original.is_dir():
            shutil.copytree(original, copy / name, ignore=shutil.ignore_patterns("_build"))
        else:
            shutil.copy(original, copy / name)
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy / "src")  # before the project that is installed


def survivor(mutation: MutationSpec) -> str | None:
    """Run the suite on the mutant. None if it was killed, else the lines that it changed."""
    module = PACKAGE / mutation.module_path.name
    moved = MutationSpec(
        module,
        mutation.operator_name,
        mutation.occurrence,
        mutation.start_pos,
        mutation.end_pos,
        mutation.operator_args,
    )
    result = mutate_and_test([moved], COMMAND, TIMEOUT)
    if result.is_killed:
        return None
    lines = str(result.diff).splitlines()[4:]
    old, new = (" ".join(_changed(lines, sign)) for sign in "-+")
    return f"{module.stem}: {old} -> {new}"


def _changed(diff: list[str], sign: str) -> Iterator[str]:
    return (line[1:].strip() for line in diff if line.startswith(sign))


def main(record: Path | None) -> int:
    """Try all mutants; print the survivors that have no reason to survive, and the counts."""
    groups = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    expected = {mutant for group in groups for mutant in group["mutants"]}
    specs = mutations()
    spawn = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as folder,
        spawn.Pool(os.cpu_count(), work_in_a_copy, [folder]) as pool,
    ):
        outcomes = pool.imap_unordered(survivor, specs)
        survivors = [s for s in tqdm(outcomes, total=len(specs), disable=None) if s is not None]

    missed = [mutant for mutant in survivors if mutant not in expected]
    killed = expected.difference(survivors)
    for mutant in sorted(missed):
        print("missed:", mutant)
    for mutant in sorted(killed):
        print("listed as equivalent, and killed:", mutant)
    counts = {
        "mutants": len(specs),
        "killed": len(specs) - len(survivors),
        "equivalent": len(survivors) - len(missed),
        "missed": len(missed),
    }
    print("package:", ", ".join(f"{number} {what}" for what, number in counts.items()))
    if record:
        record.write_text(json.dumps(counts) + "\n", encoding="utf-8")
    return bool(missed or killed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the counts, as JSON")
    sys.exit(main(**vars(parser.parse_args())))
