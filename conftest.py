"""How the documentation runs as tests: every Python block of the pages, the README and docstrings.

A block starts in an empty namespace, so that a reader can copy it alone. Only the cells of a
notebook page share theirs, from the top of the page to the bottom, as they do in Jupyter.
"""

import contextlib
import doctest
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser

os.environ.setdefault("MPLBACKEND", "agg")  # figures are drawn, and no window opens


def _evaluate(example: Example) -> str | None:
    """Run a block of Markdown; return what differs from the output that it shows."""
    if not example.parsed.startswith(">>>"):
        if example.region.lexemes.get("directive") != "code-cell":
            example.namespace = {}
        with contextlib.chdir(Path(example.path).parent):  # as Jupyter does
            return PythonEvaluator()(example)
    report: list[str] = []
    test = doctest.DocTestParser().get_doctest(
        example.parsed, {}, example.path, example.path, example.line
    )
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    return "".join(report)


def _close_figures(_: object) -> None:
    import matplotlib.pyplot as plt

    plt.close("all")


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser("python", _evaluate)],
    patterns=["README.md", "docs/**/*.md", "docs/*.md"],
    # The tutorials train networks. The build of the site executes them, in tests/docs; once is enough.
    excludes=["docs/_build/**", "docs/tutorials/**"],
    teardown=_close_figures,
).pytest()

collect_ignore_glob = ["docs/conf.py", "docs/_*"]  # what builds the site, and what it built
collect_ignore_glob += ["tests/mutation/*"]  # needs cosmic-ray
collect_ignore_glob += ["tests/peers/*", "tests/benchmarks/*"]  # need what their sessions install


@pytest.fixture(autouse=True)
def _a_docstring_runs_when_copied_alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take a module's own names out of the namespace of its docstrings."""
    if isinstance(request.node, pytest.DoctestItem):
        request.node.dtest.globs.clear()
    yield
    if isinstance(request.node, pytest.DoctestItem):
        _close_figures(None)
