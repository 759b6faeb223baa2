"""What is written down twice agrees: version and date, figure, messages; all is shown."""

import re
from pathlib import Path

import numpy as np
import pytest

import relugrad

ROOT = Path(__file__).parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_changelog_package_and_citation_have_one_version() -> None:
    """The first of the changelog is that of the package; the citation is of the newest release."""
    versions = re.findall(r"^## (\S+) \((.+)\)$", read("CHANGELOG.md"), re.MULTILINE)
    first, date = versions[0]
    expected = f"{first}.dev0" if date == "not yet released" else first
    assert relugrad.__version__ == expected, f"src/relugrad/__init__.py: write {expected!r}"
    cited = re.findall(r"^(?:version|date-released): (.+)$", read("CITATION.cff"), re.MULTILINE)
    released = [[version, date] for version, date in versions if date != "not yet released"]
    wanted = released[0] if released else []
    assert cited == wanted, f"CITATION.cff: let version and date-released be {wanted or 'absent'}"


@pytest.mark.parametrize("curve", ["step", "triangle"])
def test_figure_of_the_readme_is_drawn_from_the_function(curve: str) -> None:
    """The coordinates of each curve in the SVG file are the values of the function."""
    figure = read("docs/_static/step-and-triangle.svg")
    path = figure.partition(f'<g id="{curve}">')[2].partition("</g>")[0]
    x, y = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", path), float).T
    spike = relugrad.ReluGrad(alpha=0.3, width=1.0)
    function = spike if curve == "step" else spike.surrogate_grad
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
