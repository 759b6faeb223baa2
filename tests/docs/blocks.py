"""The blocks of code that are executed: by pytest, by the build of the site, or when imported."""

import functools
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

import relugrad

ROOT = Path(__file__).parents[2]
RULES = re.DOTALL | re.MULTILINE
RUN = ["tests/peers/train_*.py", "tests/peers/in_*.py", "docs/*/*_rule.py"]  # too
SCRIPTS = [file for pattern in RUN for file in ROOT.glob(pattern)]


@functools.cache
def parsed(page: Path) -> BeautifulSoup:
    """The page, read once."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def leads_to(page: Path) -> str:
    """The page that an old address leads to, or nothing."""
    found = parsed(page).select_one("meta[http-equiv=refresh]")
    return str(found["content"]).partition("url=")[2] if found else ""


def cells(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook, each with its source as one text."""
    found = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in found]


def compact(text: str) -> str:
    """Without blank lines."""
    return "\n".join(line for line in text.splitlines() if line.strip())


def _conversations() -> Iterator[str]:
    """What conftest.py in the root runs of the Markdown."""
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
        text = page.read_text(encoding="utf-8")
        if "_build" not in page.parts:
            yield from re.findall(r"^```py(?:con|thon)\n(>>> .*?)^```", text, RULES)


def _docstrings() -> Iterator[str]:
    """What conftest.py in the root runs of the docstrings."""
    for thing in [relugrad.relu_grad, relugrad.ReluGrad, *vars(relugrad.ReluGrad).values()]:
        for block in re.findall(r"^ *>>> .*?(?=\n\s*\n|\Z)", inspect.getdoc(thing) or "", RULES):
            yield textwrap.dedent(block)


def _built(site: Path) -> Iterator[str]:
    """What the build runs: notebooks and figures."""
    for notebook in (site.parent / "jupyter_execute").rglob("*.ipynb"):
        yield from (cell["source"] for cell in cells(notebook) if cell.get("execution_count"))
    yield from (file.read_text("utf-8") for file in site.glob("_downloads/*/*.py"))


def executed(site: Path) -> set[str]:
    """The source of each of them. A build fails when a notebook's cell or a figure does."""
    return {block.strip() for block in [*_conversations(), *_docstrings(), *_built(site)]}


def is_executed(block: str, executed: set[str]) -> bool:
    """Whether it is one of them, or a part of a module that a page shows."""
    modules = (compact(file.read_text("utf-8")) for file in SCRIPTS)
    return block.strip() in executed or any(compact(block) in module for module in modules)
