"""Try the derivative rules of a library, and run the programs that show its mistakes.

``python -m tests.peers.found.survey optax`` prints what it finds in the library that is installed,
and fails where a mistake that the site shows is mended. With ``record`` after the name it writes
what it finds into the data of the site. ``fast`` runs the fast part of the checks, ``programs``
runs no check, and another word selects functions by a part of their names.
"""

import importlib
import json
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from tests.peers.found.draw import all_rules, drawn_rules
from tests.peers.found.tried import Tried

from relugrad.testing import Result

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "docs/_data/found"


def module_of(library: str) -> str:
    """The module that describes a library's rules."""
    return "tests.peers.found.of_" + library.replace("-", "_")


def described(library: str) -> list[Tried]:
    """What is tried of a library."""
    tried: list[Tried] = importlib.import_module(module_of(library)).TRIED
    return tried


def missing(library: str) -> list[str]:
    """Which of the rules that were drawn aren't described."""
    definitions = {tried.definition for tried in described(library)}
    drawn = map(without_line, drawn_rules(library))
    return [rule for rule in drawn if rule not in definitions]


def without_line(rule: str) -> str:
    """``file:line name`` as ``file name``."""
    place, name = rule.split(" ", 1)
    return f"{place.rpartition(':')[0]} {name}"


def try_rule(tried: Tried, fast: bool) -> dict[str, Any]:
    """What the checker says of a rule."""
    started = time.perf_counter()
    row: dict[str, Any] = {"function": tried.function, "definition": tried.definition}
    failed: dict[str, str] = {}
    skipped: list[str] = []
    passed: list[str] = []
    try:
        rule = tried.describe()
        for check in rule.checks(fast=fast):
            outcome, message = outcome_of(check)
            print(f"    {check.__name__:<26} {outcome:<8} {message}", flush=True)
            if outcome == "failed":
                failed[check.__name__] = shortened(message)
            elif outcome == "skipped":
                skipped.append(check.__name__)
            else:
                passed.append(check.__name__)
    except Exception as error:  # noqa: BLE001 - the description may be wrong
        row["error"] = shortened(f"{type(error).__name__}: {error}")
        print("   ", row["error"], flush=True)
    row["part"] = "fast" if fast else "all"
    row |= {"passed": passed, "failed": failed, "skipped": skipped}
    row["seconds"] = round(time.perf_counter() - started)
    row |= {"mistakes": {**tried.mistakes}, "remark": tried.remark}
    return row


def outcome_of(check: Any) -> tuple[str, str]:
    """What a check says, and its message."""
    result = Result.of(check)
    return result.outcome, result.message


def shortened(message: str) -> str:
    """A message of the checker, which may end with a long one of JAX, without places on a disk."""
    without_places = re.sub(r" at (/\S+|0x\w+)", "", message)
    return textwrap.shorten(without_places, 240, placeholder=" ...")


def run_program(program: str) -> dict[str, Any]:
    """What a program prints, and whether the mistake is still there."""
    command = [sys.executable, "-W", "ignore", str(HERE / f"programs/{program}.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr if done.returncode else "", sep="", flush=True)
    return {"printed": done.stdout.splitlines(), "still_wrong": done.returncode == 0}


def survey(library: str, only: list[str], fast: bool) -> Iterator[dict[str, Any]]:
    """All that is known of a library, after each function that is tried."""
    found: dict[str, Any] = {
        "library": library,
        "version": version(library),
        "jax": jax.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "drawn": f"{len(drawn_rules(library))} of {len(all_rules(library))}",
        "described": len(described(library)),
        "not described": missing(library),
        "rules": [],
        "programs": {},
    }
    for tried in described(library):
        if not only or any(part in tried.function for part in only):
            print(f"{library}: {tried.function}", flush=True)
            for program in tried.mistakes:
                if program not in found["programs"]:
                    found["programs"][program] = run_program(program)
            found["rules"].append(try_rule(tried, fast))
            yield found


def joined(old: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What was found in some functions takes the place of what was found in them before."""
    rows = {row["function"]: row for row in [*old["rules"], *found["rules"]]}
    programs = old["programs"] | found["programs"]
    return found | {"rules": list(rows.values()), "programs": programs}


def main(library: str, *words: str) -> None:
    """Print, or record."""
    if "programs" in words:
        chosen = {program for tried in described(library) for program in tried.mistakes}
        require_still_wrong({program: run_program(program) for program in sorted(chosen)})
        return
    only = [word for word in words if word not in ("record", "fast")]
    file = DATA / f"{library}.json"
    old = (
        json.loads(file.read_text("utf-8"))
        if only and file.exists()
        else {"rules": [], "programs": {}}
    )
    programs = {}
    for found in survey(library, only, "fast" in words):
        programs = found["programs"]
        if "record" in words:
            DATA.mkdir(exist_ok=True)
            file.write_text(json.dumps(joined(old, found), indent=1) + "\n", "utf-8")
    require_still_wrong(programs)


def require_still_wrong(programs: dict[str, Any]) -> None:
    """An error if a mistake is mended, so that the page is changed."""
    mended = [name for name, ran in programs.items() if not ran["still_wrong"]]
    if mended:
        raise SystemExit(f"mended, or with another error: {', '.join(mended)}")


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 2)  # for checks on a mesh
    main(*sys.argv[1:])
