"""What a cell printed, for the hidden cell below it. Each page's kernel runs this file first."""

import sys

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


if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
    sys.stdout.write = _write_and_keep  # type: ignore[method-assign]
    shell.events.register("pre_run_cell", _begin)
