"""What is written down twice agrees: version and date, figure, messages, defaults; all is shown."""

import ast
import doctest
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
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
    assert re.findall(r"<!-- (\W?)2 -->", file.read_text("utf-8")) == ["\N{MINUS SIGN}", ""] * 2
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


def test_the_reference_page_shows_all_that_is_public() -> None:
    """What the package exports, and each method and property of its class."""
    page = (ROOT / "docs/reference/relugrad.md").read_text("utf-8")
    found = re.findall(r"(?:autoclass|autofunction):: relugrad\.(\w+)|:members: (.*)", page)
    shown = {name for pair in found for names in pair for name in names.split(", ") if name}
    members = {name for name in dir(relugrad.ReluGrad) if not name.startswith("_")}
    fields = set(relugrad.ReluGrad.__dataclass_fields__)  # in the class's own docstring
    assert shown == {*relugrad.__all__, *members} - fields


@pytest.mark.parametrize("documented", [relugrad.ReluGrad, relugrad.relu_grad])
def test_docstring_names_the_defaults_of_the_signature(documented: Callable[..., Any]) -> None:
    text = inspect.getdoc(documented) or ""
    named = re.findall(r"^(\w+)\n(?:    .*\n)*?    .*Default ([\w.]+\w)", text, re.MULTILINE)
    parameters = inspect.signature(documented).parameters.values()
    defaults = {one.name: str(one.default) for one in parameters if one.default is not one.empty}
    where = f"{inspect.getsourcefile(documented)}:{inspect.getsourcelines(documented)[1]}"
    assert dict(named) == defaults, f"{where}: {documented.__name__}"


DEFAULT: Any = relugrad.ReluGrad()
PEAK = DEFAULT.alpha * DEFAULT.width
DEFAULTS = {"alpha": DEFAULT.alpha, "width": DEFAULT.width, "half-width": DEFAULT.width / 2}
DEFAULTS.update(peak=PEAK, area=PEAK * DEFAULT.width)
# What is said of the default, up to a pause, and each "width of 1" in it.
OF_DEFAULT = re.compile(
    r"(?:[Dd]efault|`ReluGrad\(\)(?: <[\w.]+>)?`)(?:[^.;:!?()|\n]|\(\)|\.\d|\n(?!\n))*"
)
VALUE = re.compile(r"(alpha|peak|half-width|width|area)(?:\W+of |=)(\d+(?:\.\d+)?)")


def test_pages_name_the_values_of_the_default() -> None:
    wrong, named = "", 0
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("[!_]*/*.md"), ROOT / "docs/index.md"]:
        text = page.read_text("utf-8")
        for said in OF_DEFAULT.finditer(text):
            for value in VALUE.finditer(text, *said.span()):
                line = text.count("\n", 0, value.start()) + 1
                named += 1
                if float(value[2]) != DEFAULTS[value[1]]:
                    wrong += f"\n{page.relative_to(ROOT)}:{line}: {value[0]}"
    assert not wrong, f"the default has {DEFAULTS}, and not:{wrong}"
    assert named > 10
