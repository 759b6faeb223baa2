"""What is written down twice agrees: version and date, names, figure, messages, defaults; all is shown."""

import dataclasses
import doctest
import inspect
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import relugrad

ROOT = Path(__file__).parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


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


def test_the_readme_tells_how_to_install() -> None:
    """From the package index once CITATION.cff names a release, by which pages decide it, too."""
    released, readme = "date-released" in read("CITATION.cff"), read("README.md")
    assert ("\npip install relugrad\n" in readme) == released, "README.md: change *Install*"
    assert ("isn't on PyPI" in readme) != released, "README.md: change *Install*"


def test_an_example_with_another_output_fails(request: pytest.FixtureRequest) -> None:
    """Or without one, with an error or with a warning: pytest raises what stands in the list."""
    text = ">>> 1\n2\n>>> None\n2\n>>> import warnings\n>>> warnings.warn('', DeprecationWarning)\n"
    example = doctest.DocTestParser().get_doctest(text, {}, "", None, 0)
    conftest: Any = request.config.pluginmanager.get_plugin(str(ROOT / "conftest.py"))
    failures: list[Any] = []
    conftest.Collected(verbose=False).run(example, out=failures)
    assert len(failures) == 3
    assert "_starts_with_nothing" in request.fixturenames


def test_this_run_has_all_tests_and_examples(request: pytest.FixtureRequest) -> None:
    """Or, if somebody chose files, all that these have."""
    chosen = request.config.args_source is pytest.Config.ArgsSource.ARGS and "CI" not in os.environ
    files = [*ROOT.glob("tests/test_*.py"), *ROOT.glob("docs/evidence/*.py")]
    present = {file: file.read_text("utf-8").count("\ndef test_") for file in files}
    for page in PAGES:
        present[page] = len(re.findall(r"(?m)^ *[`:]{3}.*\n *>>> ", page.read_text("utf-8")))
    methods = filter(inspect.isfunction, vars(relugrad.ReluGrad).values())
    docstrings = map(inspect.getdoc, [relugrad.relu_grad, relugrad.ReluGrad, *methods])
    present[ROOT / "src/relugrad/_relu_grad.py"] = sum(">>>" in (text or "") for text in docstrings)
    collected = Counter(item.path for item in request.session.items)
    for file, number in present.items():
        assert collected[file] >= number or (chosen and not collected[file]), f"{file}: run it all"


@pytest.mark.parametrize(("curve", "call"), [("step", "__call__"), ("triangle", "surrogate_grad")])
def test_figure_of_the_readme_is_drawn_from_the_function(curve: str, call: str) -> None:
    """The coordinates of each curve in the SVG file are the values of the function."""
    figure = read("docs/_static/step-and-triangle.svg")
    path = figure.partition(f'<g id="{curve}">')[2].partition("</g>")[0]
    x, y = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", path), float).T
    function = getattr(relugrad.ReluGrad(alpha=0.3, width=1.0), call)
    expected = np.asarray(function(np.linspace(-2, 2, len(x), dtype=np.float32)))
    for label in ("\N{MINUS SIGN}2", "2", "\N{MINUS SIGN}width", "width", "alpha × width"):
        assert f"<!-- {label} -->" in figure, f"docs/_static/step-and-triangle.svg: no {label}"
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
    fields = {field.name for field in dataclasses.fields(relugrad.ReluGrad)}  # in its docstring
    members = {name for name in dir(relugrad.ReluGrad) if not name.startswith("_")} - fields
    page = read("docs/reference/relugrad.md")
    for name in [*relugrad.__all__, *members]:
        shown = re.search(rf":: relugrad\.{name}\b|:members:.*\b{name}\b", page)
        assert shown, f"docs/reference/relugrad.md: show {name!r}"


@pytest.mark.parametrize("documented", [relugrad.ReluGrad, relugrad.relu_grad])
def test_docstring_names_the_defaults_of_the_signature(documented: Callable[..., Any]) -> None:
    text = inspect.getdoc(documented) or ""
    named = re.findall(r"^(\w+)\n(?:    .*\n)*?    .*Default\s+(\(.+?\)|\S*\w)", text, re.MULTILINE)
    parameters = inspect.signature(documented).parameters.values()
    defaults = {p.name: str(p.default) for p in parameters if p.default is not p.empty}
    assert dict(named) == defaults, f"{documented.__name__}: name the defaults {defaults}"
