"""What is written down twice agrees: version and date, names, figure, messages, defaults; all is shown."""

import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.test_rule_checks import own

import relugrad
from spiking import SpikingClassifier

ROOT = Path(__file__).parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


TOML = tomllib.loads(read("pyproject.toml"))
PAGES = [ROOT / "README.md", ROOT / "docs/index.md", *ROOT.glob("docs/[!_]*/*.md")]


def test_changelog_package_and_citation_have_one_version() -> None:
    """The first of the changelog is that of the package; the citation is of the newest release."""
    versions = re.findall(r"^## (\S+) \((.+)\)$", read("CHANGELOG.md"), re.MULTILINE)
    first, date = versions[0]
    expected = f"{first}.dev0" if date == "not yet released" else first
    assert relugrad.__version__ == expected, f"src/relugrad/__init__.py: write {expected!r}"
    cited = re.findall(r"^(?:version|date-released): (.+)$", read("CITATION.cff"), re.MULTILINE)
    wanted = next(([version, date] for version, date in versions if date[0].isdigit()), [])
    assert cited == wanted, f"CITATION.cff: let version and date-released be {wanted or 'absent'}"


def test_each_chore_runs_before_a_commit_lands_or_weekly() -> None:
    """Before, if nox runs it by default. Two are for people."""
    for options, name in re.findall(r"\n@nox\.session(.*)\ndef (\w+)", read("noxfile.py")):
        file = ".github/workflows/weekly.yml" if "default=False" in options else ".ci/run"
        run = re.search(rf"(?:chore:?|--session) {name}\b", read(file) + read("README.md"))
        assert run or name in ("benchmarks", "live"), f"{file}: run the chore {name!r}"


# Of each job: what it waits for, what it may write, and what it runs of nox
JOBS: dict[str, Any] = {
    "all": (None, [], ["bash .ci/run"]),
    "systems": (None, [], ["tests"]),
    "deploy": (["all", "systems"], ["id-token", "pages"], []),
    "chore": (None, [], ['"$CHORE" --force-python "$PYTHON" -- $SELECT']),
    "build": (None, [], ["tests", "package", "proofs -- every_float processes flags"]),
    "publish": ("build", ["id-token"], []),
    "release": ("publish", ["contents"], []),
}
WEEKLY = {
    "tests": ["jax==0.7.2", "jax==0.10.2", "jax==0.11.2", "nightly", None],
    "docs": ["jax==0.11.2", "newest"],
    "notebooks": [None],
    "proofs": ["every_float flags upstream"],
    "peers": [None],
}


def test_workflows_do_what_is_listed() -> None:
    """Who may publish waits for tests; and no proof is left out, whose absence nothing would show."""
    jobs: dict[str, Any] = {}
    for file in ROOT.glob(".github/workflows/*.yml"):
        jobs |= yaml.safe_load(file.read_text("utf-8"))["jobs"]
    found = {}
    for name, job in jobs.items():
        writes = sorted(what for what, how in job["permissions"].items() if how == "write")
        commands = [step.get("run", "") for step in job["steps"]]
        tests = [line for line in commands if re.search(r"nox --session|\.ci/run", line)]
        found[name] = job.get("needs"), writes, [line.split("--session ")[-1] for line in tests]
    assert found == JOBS
    for name, selects in WEEKLY.items():
        matrix = jobs["chore"]["strategy"]["matrix"]["include"]
        selected = [one.get("select") for one in matrix if one["chore"] == name]
        assert selected == selects, f".github/workflows/weekly.yml: {name}"


def test_the_suite_is_as_strict_as_it_was() -> None:
    """Whoever weakens one of these changes it here, too."""
    tool = TOML["tool"]
    assert tool["pytest"]["ini_options"]["filterwarnings"] == ["error"]
    assert tool["coverage"]["report"]["fail_under"] == 100
    assert (tool["mypy"]["strict"], tool["pyright"]["typeCheckingMode"]) == (True, "strict")


def test_each_conversation_on_a_page_is_collected() -> None:
    """Counted without the collector of conftest.py."""
    command = ["-m", "pytest", "--collect-only", "-q", "--ignore-glob=*.py", "README.md", "docs"]
    listed = subprocess.check_output([sys.executable, *command], cwd=ROOT, text=True)
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        there = len(re.findall(r"^```.*\n>>> ", page.read_text("utf-8"), re.MULTILINE))
        collected = listed.count(f"{name}::")
        assert collected == there, f"{name}: pytest runs {collected} of {there} blocks of prompts"


@pytest.mark.parametrize(("curve", "call"), [("step", "__call__"), ("triangle", "surrogate_grad")])
def test_figure_of_the_readme_is_drawn_from_the_function(curve: str, call: str) -> None:
    """The coordinates of each curve in the SVG file are the values of the function."""
    figure = read("docs/_static/step-and-triangle.svg")
    path = figure.partition(f'<g id="{curve}">')[2].partition("</g>")[0]
    x, y = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", path), float).T
    function = getattr(relugrad.ReluGrad(alpha=0.3, width=1.0), call)
    expected = np.asarray(function(np.linspace(-2, 2, len(x), dtype=np.float32)))
    assert re.findall(r"<!-- (\W?)2 -->", figure) == ["\N{MINUS SIGN}", ""] * 2  # labels of ticks
    # From the page's coordinates, where y points down, to those of the panel.
    np.testing.assert_allclose((y.max() - y) / np.ptp(y), expected / expected.max(), atol=1e-4)


ERRORS = read("docs/reference/errors.md").split("\n### ")[1:]


@pytest.mark.parametrize("entry", ERRORS, ids=lambda entry: entry.partition("\n")[0])
def test_heading_is_part_of_the_message_in_its_example(entry: str) -> None:
    """It is printed, or a string for which the example looks where versions differ."""
    heading, _, text = entry.partition("\n")
    example = text.partition("```pycon\n")[2].partition("```")[0]
    assert heading in example, f"docs/reference/errors.md: {heading}: let the example show it"


def test_the_reference_page_shows_all_that_is_public() -> None:
    """What the package exports, and each method and property of its class."""
    fields = {"alpha", "width", "forward_mode"}  # in the class's own docstring
    members = {name for name in dir(relugrad.ReluGrad) if not name.startswith("_")} - fields
    page = read("docs/reference/relugrad.md")
    for name in [*relugrad.__all__, *members]:
        shown = re.search(rf":: relugrad\.{name}\b|:members:.*\b{name}\b", page)
        assert shown, f"docs/reference/relugrad.md: show {name!r}"


@pytest.mark.parametrize("documented", [relugrad.ReluGrad, relugrad.relu_grad, SpikingClassifier])
def test_docstring_names_the_defaults_of_the_signature(documented: Callable[..., Any]) -> None:
    text = inspect.getdoc(documented) or ""
    named = re.findall(r"^(\w+)\n(?:    .*\n)*?    .*Default\s+(\(.+?\)|\S*\w)", text, re.MULTILINE)
    parameters = inspect.signature(documented).parameters.values()
    defaults = {one.name: str(one.default) for one in parameters if one.default is not one.empty}
    assert dict(named) == defaults, f"{documented.__name__}: name the defaults {defaults}"


@pytest.mark.parametrize("shape", own["slopes"])
def test_the_scale_in_the_table_gives_a_half_width_of_a_half(shape: str) -> None:
    """Where the slope is half of its peak of 1."""
    (scale,) = re.findall(
        rf"(?m)^\| {shape} .*\| ([\d.]+) \|$", read("docs/how-to/peak-width-reset.md")
    )
    assert own["slopes"][shape](0.5, float(scale)) == pytest.approx(0.5, abs=0.001)
