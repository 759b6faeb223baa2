"""How the documentation is run as tests: every Python block of docs/, README.md and docstrings.

A block of a page, and a docstring, starts in an empty namespace, so that it runs when it is
copied alone. Only the cells of a notebook page share theirs, from top to bottom.
"""

import doctest
import os
from collections.abc import Iterator
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser

os.environ.setdefault("MPLBACKEND", "agg")

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL * 0


def evaluate(example: Example) -> str | None:
    """Run one block; a string says what went wrong, as Sybil expects."""
    source = example.parsed
    if not source.lstrip().startswith(">>>"):
        if "directive" not in example.region.lexemes:
            example.namespace = {}
        return PythonEvaluator()(example)
    test = doctest.DocTestParser().get_doctest(source, {}, example.path, example.path, example.line)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=report.append)
    return "".join(report)
