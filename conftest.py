"""How documentation runs as tests: the conversations in docstrings, README and pages.

A block of a page starts in an empty namespace, so that a reader can copy it alone; so does a
docstring. Notebooks, which build up from cell to cell, are executed by the build of the site.
"""

import doctest
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("MPLBACKEND", "agg")  # figures are drawn, and no window opens

# What builds the site, and what tries the built site; a path on the command line is collected.
collect_ignore = ["docs/conf.py", "docs/_extensions", "docs/_figures", "docs/_inventories"]
collect_ignore += ["docs/_build", "tests/docs", "tests/peers", "tests/proofs"]


class Collected(doctest.DocTestRunner):
    """Reports failures as pytest's own runner of doctests does, which shows or accepts them."""

    def report_failure(self, out: Any, test: Any, example: Any, got: str) -> None:
        """Keep that the output is another."""
        out.append(doctest.DocTestFailure(test, example, got))

    def report_unexpected_exception(self, out: Any, test: Any, example: Any, exc_info: Any) -> None:
        """Keep that there is none."""
        out.append(doctest.UnexpectedException(test, example, exc_info))


class Page(pytest.File):
    """A page in Markdown; each of its blocks of prompts is a test."""

    def collect(self) -> Iterator[pytest.Item]:
        """Make a test of what stands between the fences."""
        parent: Any = self  # pytest's types know only collectors of its own
        text = self.path.read_text(encoding="utf-8")
        for block in re.finditer(
            r"^```py(?:con|thon)\n(>>> .*?)^```", text, re.DOTALL | re.MULTILINE
        ):
            line = text.count("\n", 0, block.start(1))
            where = f"line {line + 1}", str(self.path), line
            test = doctest.DocTestParser().get_doctest(block[1], {}, *where)
            runner = Collected(verbose=False)
            yield pytest.DoctestItem.from_parent(parent, name=test.name, runner=runner, dtest=test)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Page | None:
    """README and the pages."""
    return Page.from_parent(parent, path=file_path) if file_path.suffix == ".md" else None


@pytest.fixture(autouse=True)
def _starts_with_nothing(request: pytest.FixtureRequest) -> None:
    """A docstring doesn't see what its module imports."""
    if isinstance(request.node, pytest.DoctestItem):
        request.node.dtest.globs.clear()
