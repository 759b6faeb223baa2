"""Change each number and each output that the documentation prints, one at a time.

Each change has to make the suite fail. The blocks are those that pytest collects, run as pytest
runs them, so a change that passes here would pass there. Run by `nox -s mutated_documentation`,
which fails if the site shows other numbers; `-- --record FILE` renews them.
"""

import argparse
import copy
import doctest
import re
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sybil.integration.pytest import SybilItem

from tests.mutation.counts import kept

DOCUMENTATION = ["src", "docs", "README.md"]
NUMBER = re.compile(r"\d+(?:\.\d+)?")
CONTROL = pytest.StashKey[bool]()


def changed_outputs(text: str) -> Iterator[tuple[str, str]]:
    """Say what is changed, and give the text of the block with that change."""
    lines = text.splitlines()
    for example in doctest.DocTestParser().get_examples(text):
        first = example.lineno + example.source.count("\n")
        for line in range(first, first + example.want.count("\n")):
            if "Traceback (most recent call last)" in lines[line]:
                continue  # doctest itself says that this line is only a mark
            changes = [lines[line][: n.start()] + _other(n[0]) + lines[line][n.end() :]
                       for n in NUMBER.finditer(lines[line])]  # fmt: skip
            for change in [*changes, lines[line] + " changed"]:
                yield change.strip(), "\n".join([*lines[:line], change, *lines[line + 1 :]]) + "\n"


def _other(number: str) -> str:
    """The same number with another last digit."""
    return number[:-1] + str((int(number[-1]) + 1) % 10)


def mutants(item: pytest.Item) -> Iterator[pytest.Item]:
    """Copies of a test of the documentation: one as it is, and each other with one change."""
    if isinstance(item, SybilItem):
        text, copy_with = item.example.parsed, _block_of_page
    elif isinstance(item, pytest.DoctestItem):
        text, copy_with = str(item.dtest.docstring), _docstring
    else:
        return
    changes = list(changed_outputs(text))
    if changes:
        control = copy_with(item, "unchanged", text)
        control.stash[CONTROL] = True
        yield control
    for change, changed in changes:
        yield copy_with(item, change, changed)


def _block_of_page(item: Any, change: str, text: str) -> pytest.Item:
    example = copy.copy(item.example)
    example.parsed = text
    (sybil,) = item.parent.sybils
    return SybilItem.from_parent(item.parent, sybil=sybil, example=example)


def _docstring(item: Any, change: str, text: str) -> pytest.Item:
    test = item.dtest
    changed = doctest.DocTestParser().get_doctest(text, {}, test.name, test.filename, test.lineno)
    return pytest.DoctestItem.from_parent(
        item.parent, name=f"{item.name}[{change}]", runner=item.runner, dtest=changed
    )


class MutateDocumentation:
    """A pytest plugin that runs the changed blocks, and passes where these fail, and only these."""

    changed = caught = 0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put its mutants in the place of each test."""
        items[:] = [mutant for item in items for mutant in mutants(item)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn the outcome over."""
        report = yield
        if call.when == "call" and CONTROL not in item.stash:
            self.changed += 1
            self.caught += report.failed
            report.outcome, report.longrepr = (
                ("passed", None) if report.failed else ("failed", "the change was not noticed")
            )
        return report


def main(record: Path | None) -> int:
    """Try all changes, and print how many there were, were noticed and were not."""
    plugin = MutateDocumentation()
    arguments = ["-q", "--doctest-modules", "-p", "no:cacheprovider", *DOCUMENTATION]
    status = pytest.main(arguments, plugins=[plugin])
    counts = {
        "changed": plugin.changed,
        "caught": plugin.caught,
        "missed": plugin.changed - plugin.caught,
    }
    print("documentation:", ", ".join(f"{number} {what}" for what, number in counts.items()))
    good = kept(counts, record, "mutated_documentation", "docs/_data/mutated-documentation.json")
    return status or not good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the counts, as JSON")
    sys.exit(main(**vars(parser.parse_args())))
