"""What pages fill in, page by page: `page_numbers.txt`, which this module writes anew when it is run."""

import difflib
import importlib
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1]
FILE = Path(__file__).with_suffix(".txt")
WHY = """Why are these numbers others? Find that out first.
- Something was recorded anew: read the sentences around each, correct them, then `nox -s tests -- renew`.
- Nothing was: what reads the record, in docs/evidence, computes something else than before. Is that right?"""
# In the text, or as a hidden cell
ASKED = r"\{eval\}`(\w+\.\w+)`|^(\w+\.table\w*\(\))$"


def filled_in() -> str:
    """A line for each number, and the lines of each table."""
    lines = list[str]()
    for page in sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts):
        asked = re.findall(ASKED, page.read_text("utf-8"), re.MULTILINE)
        lines += [f"\n{page.relative_to(DOCS).as_posix()}"] * bool(asked)
        for expression in map("".join, asked):
            module = expression.partition(".")[0]
            value: Any = eval(expression, {module: importlib.import_module(f"evidence.{module}")})
            if expression.endswith(")"):
                lines += [f"{expression}:", *map(str.rstrip, value.splitlines())]
            else:
                lines.append(f"{expression} = {value!r}")
    return "\n".join(lines).lstrip() + "\n"


def test_a_new_record_is_a_change_of_what_is_listed_here() -> None:
    listed, now = FILE.read_text("utf-8").splitlines(), filled_in().splitlines()
    changes = list(difflib.unified_diff(listed, now, "docs/evidence/page_numbers.txt", "now", n=0))
    assert not changes, "\n".join([*changes, WHY])


if __name__ == "__main__":
    FILE.write_text(filled_in(), "utf-8")
