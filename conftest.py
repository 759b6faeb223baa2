"""How documentation runs as tests: the blocks of docstrings, README and pages that are conversations.

A block starts in an empty namespace, so that a reader can copy it alone. Notebooks, which build up
from cell to cell, are executed by the build of the site and not here.
"""

import doctest
import os
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser

os.environ.setdefault("MPLBACKEND", "agg")  # figures are drawn, and no window opens
ROOT = Path(__file__).parent
PAGES = [path.relative_to(ROOT) for path in ROOT.glob("docs/**/*.md") if "_build" not in path.parts]
NOTEBOOKS = [page for page in PAGES if "file_format: mystnb" in (ROOT / page).read_text("utf-8")]

# What builds the site, and what tries the built site; a path on the command line is collected.
collect_ignore = ["docs/conf.py", "docs/_extensions", "docs/_figures", "docs/_inventories"]
collect_ignore += ["docs/_build", "tests/docs", "tests/peers", "tests/proofs"]


def run_alone(example: Example) -> str:
    """Run a block of Markdown; return what differs from the output that it shows."""
    example.namespace = {}
    if not example.parsed.startswith(">>>"):
        PythonEvaluator()(example)
        return ""
    report: list[str] = []
    parser, where = doctest.DocTestParser(), (example.path, example.path, example.line)
    test = parser.get_doctest(example.parsed, {}, *where)
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    return "".join(report)


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser("python", run_alone)],
    patterns=["README.md", *map(str, set(PAGES) - set(NOTEBOOKS))],
).pytest()


@pytest.fixture(autouse=True)
def _blocks_of_a_docstring_run_alone(request: pytest.FixtureRequest) -> None:
    """Empty the namespace before each block, that is where lines without a prompt or output end."""
    if isinstance(request.node, pytest.DoctestItem):
        examples, end = request.node.dtest.examples, -1
        for example in list(examples):
            if example.lineno != end:
                examples.insert(examples.index(example), doctest.Example("globals().clear()", ""))
            end = example.lineno + example.source.count("\n") + example.want.count("\n")
