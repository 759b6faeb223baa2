"""The reference page shows all that is public."""

import inspect
import re
from pathlib import Path

import relugrad

PAGE = Path(__file__).parents[1] / "docs/reference/relugrad.md"


def test_the_reference_page_shows_all_that_is_public() -> None:
    """What the package exports, and each method and property of its class."""
    directives = re.findall(
        r"(?:autoclass|autofunction):: relugrad\.(\w+)|:members: (.*)", PAGE.read_text()
    )
    shown = {name for pair in directives for names in pair for name in names.split(", ") if name}
    members = {
        name for name, _ in inspect.getmembers(relugrad.ReluGrad) if not name.startswith("_")
    }
    fields = set(relugrad.ReluGrad.__dataclass_fields__)  # in the class's own docstring
    assert shown == {*relugrad.__all__, *members} - fields
