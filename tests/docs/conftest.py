"""Builds the site and runs the documentation alone, once for all tests of this folder."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def _run(*arguments: str | Path) -> None:
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a fresh build: html/ is the site, doctrees/ what Sphinx read."""
    folder = tmp_path_factory.mktemp("build")
    _run("-m", "sphinx", "-W", "-d", folder / "doctrees", "docs", folder / "html")
    return folder


@pytest.fixture(scope="session")
def documentation_run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What docstrings, README and reference execute when they are run without any other test.

    ``executed`` holds the source of each block or docstring example that ran and passed;
    ``coverage`` is coverage.py's report on the package.
    """
    folder = tmp_path_factory.mktemp("documentation")
    data, executed, report = (folder / name for name in ("data", "executed.json", "report.json"))
    coverage = ("-m", "coverage")
    _run(*coverage, "run", "--data-file", data, Path(__file__).with_name("record.py"), executed)
    _run(*coverage, "json", "--data-file", data, "-o", report)
    return {
        "executed": json.loads(executed.read_text()),
        "coverage": json.loads(report.read_text()),
    }
