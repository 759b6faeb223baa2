"""What pages fill in, page by page: `shown.txt`, which this module writes anew when it is run."""

import importlib
import re
from pathlib import Path
from typing import Any

import pandas as pd

DOCS = Path(__file__).parents[1]
FILE = Path(__file__).with_suffix(".txt")


def filled_in() -> str:
    """A line for each number, and the lines of each table."""
    lines = list[str]()
    for page in sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts):
        # In the text, or as a hidden cell
        asked = r"\{eval\}`(\w+\.\w+)`|^(\w+\.table.*\))$"
        filled = re.findall(asked, page.read_text("utf-8"), re.MULTILINE)
        lines += [f"\n{page.relative_to(DOCS).as_posix()}"] * bool(filled)
        for expression in map("".join, filled):
            module = expression.partition(".")[0]
            value: Any = eval(expression, {module: importlib.import_module(f"evidence.{module}")})
            if expression.endswith(")"):
                text = value.to_string() if isinstance(value, pd.DataFrame) else value
                lines += [f"{expression}:", *map(str.rstrip, text.splitlines())]
            else:
                lines.append(f"{expression} = {value!r}")
    return "\n".join(lines).lstrip() + "\n"


def test_a_new_record_is_a_change_of_what_is_listed_here() -> None:
    assert filled_in() == FILE.read_text("utf-8"), "to write it anew: nox -s tests -- renew"


if __name__ == "__main__":
    FILE.write_text(filled_in(), "utf-8")
