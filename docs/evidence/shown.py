"""What pages fill in, page by page: `shown.txt`, which this module writes anew when it is run."""

import difflib
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from evidence.results import about

DOCS = Path(__file__).parents[1]
FILE = Path(__file__).with_suffix(".txt")
# In the text, or as a hidden cell
ASKED = r"\{eval\}`(\w+\.\w+)`|^(\w+\.(?:table|figure)\w*\(\)|about\(.*\))$"


def filled_in() -> str:
    """A line for each number, the lines of each table, and the points of each figure."""
    lines = list[str]()
    for page in sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts):
        asked = re.findall(ASKED, page.read_text("utf-8"), re.MULTILINE)
        lines += [f"\n{page.relative_to(DOCS).as_posix()}"] * bool(asked)
        for expression in map("".join, asked):
            names: dict[str, Any] = {"about": about}
            if (module := expression.partition(".")[0]) + "." in expression:
                names[module] = importlib.import_module(f"evidence.{module}")
            value: Any = eval(expression, names)
            if ".figure" in expression:
                lines += [f"{expression}:", *points()]
            elif expression.endswith(")"):
                text = value.to_string() if isinstance(value, pd.DataFrame) else value
                lines += [f"{expression}:", *map(str.rstrip, text.splitlines())]
            else:
                lines.append(f"{expression} = {value!r}")
    return "\n".join(lines).lstrip() + "\n"


def points() -> Iterator[str]:
    """What the figure draws: each line of each panel, with its label."""
    for panel in plt.gcf().axes:
        yield f"  {panel.get_title()} ({panel.get_xlabel()}, {panel.get_ylabel()})".rstrip()
        limits = [*panel.get_xlim(), *panel.get_ylim()]
        yield "    limits: " + " ".join(f"{limit:.4g}" for limit in limits)
        ticks = panel.get_xticklabels() + panel.get_yticklabels()
        yield ("    ticks: " + ", ".join(tick.get_text() for tick in ticks)).rstrip()
        for line in panel.lines:
            places = np.asarray(line.get_xydata(), float)
            yield f"    {line.get_label()}: " + ", ".join(f"{x:.4g} {y:.4g}" for x, y in places)
        for bars in panel.collections:  # errors
            ends = np.concatenate([np.asarray(path.vertices) for path in bars.get_paths()])
            yield "    bars: " + ", ".join(f"{x:.4g} {y:.4g}" for x, y in ends)
    plt.close()


def test_a_new_record_is_a_change_of_what_is_listed_here() -> None:
    listed, now = FILE.read_text("utf-8").splitlines(), filled_in().splitlines()
    changes = list(difflib.unified_diff(listed, now, "docs/evidence/shown.txt", "now", n=0))
    assert not changes, "\n".join([*changes, "to write it anew: nox -s tests -- renew"])


if __name__ == "__main__":
    FILE.write_text(filled_in(), "utf-8")
