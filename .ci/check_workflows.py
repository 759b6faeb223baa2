"""The workflows call nox sessions that exist, and nothing else: what runs there runs on a laptop."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

CALL = re.compile(r'uvx --python 3\.1[13] nox --session ("\$SESSION"|[\w. -]+)')


def sessions(job: dict[str, Any]) -> list[str]:
    """The sessions that a job calls."""
    called: list[str] = []
    for step in job["steps"]:
        if command := step.get("run"):
            call = CALL.fullmatch(command)
            assert call, f"not a nox session, or more than that: {command}"
            arguments = call[1]
            matrix = job.get("strategy", {}).get("matrix", {})
            called += matrix["session"] if "$" in arguments else arguments.split()
    return called


def main() -> int:
    """Compare what is called with what there is."""
    listed = subprocess.check_output([sys.executable, "-m", "nox", "--list"], text=True)
    names = re.findall(r"^[*-] (\S+)", listed, re.MULTILINE)
    there_are = {*names, *(re.sub(r"-3\.\d+t?$", "", name) for name in names)}
    called: set[str] = set()
    for file in sorted(Path(".github", "workflows").glob("*.yml")):
        workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
        called |= {name for job in workflow["jobs"].values() for name in sessions(job)}
    unknown = called - there_are
    print(f"workflows call {len(called)} sessions, {len(unknown)} unknown: {sorted(unknown)}")
    return bool(unknown)


if __name__ == "__main__":
    sys.exit(main())
