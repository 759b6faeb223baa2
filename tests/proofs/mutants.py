"""Change the package in every way that cosmic-ray knows, one at a time: the documentation must notice.

README, docstrings and all pages that are conversations are run on each changed package. What they
don't notice has to be in ``equivalent.toml``, with the reason why.
"""

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import MutationSpec

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src", "relugrad")
# What says most in the least time comes first, since the first failure is enough.
DOCUMENTATION = ["README.md", "src", "docs/reference", "docs"]
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "--doctest-modules"]
OPTIONS.append("--ignore=docs/evidence")  # which is about experiments
# A change may make something run for ever.
PYTEST = ["timeout", "300", sys.executable, "-m", "pytest", *OPTIONS, *DOCUMENTATION]


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
    for name in ("src", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("README.md", "conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def passes(copy: Path) -> bool:
    """Whether the documentation is right about this copy of the package."""
    environment = {
        "PYTHONPATH": str(copy / "src"),  # before the project that is installed
        "PYTHONDONTWRITEBYTECODE": "1",
        # Most programs are the same for each mutant. The cache knows one by its whole text.
        "JAX_COMPILATION_CACHE_DIR": str(copy / "cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    ran = subprocess.run(
        PYTEST, cwd=copy, env=os.environ | environment, capture_output=True, check=False
    )
    return ran.returncode == 0


def survivor(mutation: MutationSpec, copies: queue.Queue[Path]) -> str | None:
    """Try a mutant. None if it was noticed, else the lines that were changed."""
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
    old, new = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return f"{module.stem}: {old} -> {new}"


def main() -> int:
    """Try all mutants; print the survivors that have no reason to survive, and the counts."""
    groups = tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text("utf-8"))
    expected = {mutant for group in groups["equivalent"] for mutant in group["mutants"]}
    specs, survivors = mutations(), []
    copies: queue.Queue[Path] = queue.Queue()
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            copies.put(copy_of_project(folder))
        assert passes(copies.queue[0]), "The documentation fails without any mutant."
        for mutant in pool.map(survivor, specs, [copies] * len(specs)):
            if mutant:
                survivors.append(mutant)
                print("survived:", mutant, flush=True)  # at once, because the whole run takes long
    missed, noticed = {*survivors} - expected, expected - {*survivors}
    print("missed:", *sorted(missed), "listed as equivalent, and noticed:", *noticed, sep="\n")
    print(f"{len(specs)} mutants, {len(survivors)} survived")
    return bool(missed or noticed)


if __name__ == "__main__":
    sys.exit(main())
