"""What is written down twice agrees: version and date, figure and function, heading and message."""

import ast
import doctest
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import relugrad

ROOT = Path(__file__).parents[1]


def test_package_changelog_and_citation_name_one_version_and_date() -> None:
    """Of the newest release."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version, date = re.findall(r"^## (.+) \((.+)\)$", changelog, re.MULTILINE)[0]
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {version}\ndate-released: {date}\n" in citation
    assert version == relugrad.__version__


@pytest.mark.parametrize("curve", ["step", "triangle"])
def test_figure_of_the_readme_is_drawn_from_the_function(curve: str) -> None:
    """The coordinates of each curve in the SVG file are the values of the function."""
    file, namespace = ROOT / "docs/_static/step-and-triangle.svg", "{http://www.w3.org/2000/svg}"
    path = ElementTree.parse(file).find(f".//{namespace}g[@id='{curve}']/{namespace}path")
    assert path is not None
    x, y = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", path.attrib["d"]), float).T
    spike = relugrad.ReluGrad(alpha=0.3, width=1.0)
    function = spike if curve == "step" else spike.surrogate_grad
    expected = np.asarray(function(np.linspace(-2, 2, len(x), dtype=np.float32)))
    # From the page's coordinates, where y points down, to those of the panel.
    np.testing.assert_allclose((y.max() - y) / np.ptp(y), expected / expected.max(), atol=1e-4)


PAGE = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^### (.+?)\n.*?^```pycon\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("heading", "block"), ENTRIES, ids=[heading for heading, _ in ENTRIES])
def test_heading_is_part_of_the_message_in_its_example(heading: str, block: str) -> None:
    """It is printed, or a string for which the example looks where versions differ."""
    examples = doctest.DocTestParser().get_examples(block)
    nodes = [node for example in examples for node in ast.walk(ast.parse(example.source))]
    sought = [str(node.value) for node in nodes if isinstance(node, ast.Constant)]
    assert any(heading in text for text in [*sought, *(example.want for example in examples)])


def test_each_heading_has_an_example() -> None:
    assert PAGE.count("\n### ") == len(ENTRIES)
