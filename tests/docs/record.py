"""Run the documentation as tests, and write down the source of each block that passed."""

import json
import sys
from pathlib import Path

import pytest
from sybil.integration.pytest import SybilItem

# The notebooks are executed by the build of the site, and their cells are counted there.
PAGES = ["README.md", "docs/reference"]
DOCUMENTATION = ["--pyargs", "relugrad", *PAGES]  # as installed, be it a wheel or this checkout


class Record:
    """A pytest plugin that keeps what was executed."""

    def __init__(self) -> None:
        self.executed: list[str] = []

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Keep the source of an item whose body ran without an exception."""
        if call.when != "call" or call.excinfo:
            return
        if isinstance(item, SybilItem):
            self.executed.append(item.example.parsed)
        elif isinstance(item, pytest.DoctestItem):
            self.executed.append(str(item.dtest.docstring))


if __name__ == "__main__":
    record = Record()
    status = pytest.main(["-q", "--doctest-modules", *DOCUMENTATION], plugins=[record])
    Path(sys.argv[1]).write_text(json.dumps(record.executed))
    sys.exit(status)
