"""The built site, which these tests look at and never build, and the code that is executed for it."""

import functools
import inspect
import json
import re
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

from relugrad import ReluGrad, relu_grad
from spiking import SpikingClassifier

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs/_build/html"
RELEASED = "date-released" in (ROOT / "CITATION.cff").read_text("utf-8")
# What conftest.py in the root runs of a page
CONVERSATION = re.compile(r"^```py(?:con|thon)\n(>>> .*?)^```", re.DOTALL | re.MULTILINE)
DOCUMENTED = [relu_grad, ReluGrad, SpikingClassifier, *vars(ReluGrad).values()]


@functools.cache
def parsed(page: Path) -> BeautifulSoup:
    """The page, read once."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def cells(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook, each with its source as one text."""
    all_cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in all_cells]


def place(page: str, text: str) -> str:
    """The file of a page of the site, and the line where the text begins, if it's in the file."""
    name = "docs/" + page.replace(".html", ".md")
    source = (ROOT / name).read_text("utf-8") if (ROOT / name).exists() else ""
    before, found, _ = source.partition(text.strip().partition("\n")[0])
    return f"{name}:{len(before.splitlines())}" if found else name


def compact(text: str) -> str:
    """Without blank lines."""
    return "\n".join(line for line in text.splitlines() if line.strip())


@functools.cache
def executed(weekly: bool) -> str:
    """All code that ran, without blank lines: a build fails when a notebook's cell or a figure does.

    What runs once a week, in environments of its own, counts on pages that say so.
    """
    pages = [ROOT / "README.md", ROOT / "docs/index.md", *ROOT.glob("docs/[!_]*/*.md")]
    texts = [block for page in pages for block in CONVERSATION.findall(page.read_text("utf-8"))]
    texts += [inspect.getdoc(thing) or "" for thing in DOCUMENTED]
    for notebook in (SITE.parent / "jupyter_execute").rglob("*.ipynb"):
        texts += [cell["source"] for cell in cells(notebook) if cell.get("execution_count")]
    files = [*SITE.glob("_downloads/*/*.py"), *ROOT.glob("docs/*/*_rule.py")]  # run by `tests`
    files += ROOT.glob("tests/peers/in_*.py") if weekly else []
    return compact("\n".join([*texts, *(file.read_text("utf-8") for file in files)]))
