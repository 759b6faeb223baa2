"""The built site, which these tests look at and never build, and the code that is executed for it."""

import functools
import inspect
import json
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

from relugrad import ReluGrad

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs/_build/html"
RELEASED = "date-released" in (ROOT / "CITATION.cff").read_text("utf-8")


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
    """All code that ran, but prompts: a build fails when a notebook's cell or a figure does.

    What runs once a week, in environments of its own, counts on pages that say so.
    """
    texts = [inspect.getdoc(ReluGrad) or ""]  # whose figure is drawn
    for notebook in (SITE.parent / "jupyter_execute").rglob("*.ipynb"):
        texts += [cell["source"] for cell in cells(notebook) if cell.get("execution_count")]
    files = [*SITE.glob("_downloads/*/*.py"), *ROOT.glob("docs/*/*_rule.py")]  # run by `tests`
    files += ROOT.glob("tests/peers/in_*.py") if weekly else []
    return compact("\n".join([*texts, *(file.read_text("utf-8") for file in files)]))
