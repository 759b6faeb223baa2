"""Builds the site and runs the documentation alone, once for all tests of this folder."""

import json
import os
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
    """The folder of a fresh build: html/ is the site, doctrees/ what Sphinx read.

    To try the tests on a site that has been built before, put its folder into RELUGRAD_BUILD.
    """
    if built := os.environ.get("RELUGRAD_BUILD"):
        return Path(built)
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


_BROWSER: list[tuple[str, str, str]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the page, the check and what was found, of each test that tells them."""
    told: dict[str, Any] = dict(report.user_properties)
    if report.when == "call" and "page" in told:
        found = told.get("found", "ok") if report.passed else "FAILED"
        _BROWSER.append((told["page"], told["check"], str(found)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the browser found: a row for each page, a column for each check."""
    found = {(page, check): cell for page, check, cell in _BROWSER}
    checks = list(dict.fromkeys(check for _, check, _ in _BROWSER))
    for page in ["", *dict.fromkeys(page for page, _, _ in _BROWSER)] if checks else []:
        cells = [found.get((page, check), "-") if page else check for check in checks]
        terminalreporter.write_line(f"{page:34}" + "".join(f"{cell:>15}" for cell in cells))
