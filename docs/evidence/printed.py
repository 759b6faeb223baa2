"""What a cell printed, and what a page states, for hidden cells. Each page's kernel runs this file first."""

import re
import sys
from pathlib import Path
from typing import Any

_texts = ["", ""]  # of the cell before, and of the one that runs
_write = sys.stdout.write


def _write_and_keep(text: str) -> int:
    _texts[1] += text
    return _write(text)


def _begin(_: object) -> None:
    _texts[:] = _texts[1], ""


def printed() -> str:
    """What the cell before this one printed."""
    return _texts[0].strip()


def stated(page: str, pattern: str) -> list[Any]:
    """The numbers in a page's text: what `re.findall` finds there, a line beginning at each ``^``."""
    return re.findall(pattern, Path(page).read_text("utf-8"), re.MULTILINE)


if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
    sys.stdout.write = _write_and_keep  # type: ignore[method-assign]
    shell.events.register("pre_run_cell", _begin)
