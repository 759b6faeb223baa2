"""Runs first in the kernel of each page: with `printed()`, a hidden cell sees what readers see printed above it."""

import sys

from IPython.core.getipython import get_ipython

_texts = ["", ""]  # of the cell before, and of the one that runs
_write = sys.stdout.write


def _write_and_keep(text: str) -> int:
    _texts[-1] += text
    return _write(text)


def printed() -> str:
    """What the cell before this one printed."""
    return _texts[0].strip()


def _begin(_info: object) -> None:
    _texts[:] = [_texts[1], ""]


sys.stdout.write = _write_and_keep
get_ipython().events.register("pre_run_cell", _begin)
