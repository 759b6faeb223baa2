"""What a cell printed and what a figure shows, for hidden cells. Each page's kernel runs this file first."""

import sys
from collections.abc import Sequence
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


def printed_after_colons() -> list[str]:
    """What follows the last colon in each line that the cell before this one printed."""
    return [line.rpartition(":")[2].strip() for line in printed().splitlines()]


def assert_shows(panel: Any, title: str, *expected: Sequence[Any]) -> None:
    """Raise AssertionError unless a panel has this title, and shows these numbers, in this order.

    First come its lines, each as the points (x, y) on it, then its images, each as the numbers in it.
    """
    import numpy as np

    lines = [line.get_xydata() for line in panel.lines]
    shown = lines + [image.get_array() for image in panel.images]
    assert panel.get_title() == title, f"the title is {panel.get_title()!r}, not {title!r}"
    assert len(shown) == len(expected), f"{title!r} shows {len(shown)} lines and images"
    for number, (found, points) in enumerate(zip(shown, expected, strict=True)):
        wanted = np.asarray(list(points), float)
        same_shape = np.shape(found) == wanted.shape
        assert same_shape, f"{title!r}, line or image {number}: {np.shape(found)}, {wanted.shape}"
        same = np.allclose(np.asarray(found, float), wanted, rtol=1e-4, atol=1e-4)
        assert same, f"{title!r}, line or image {number}, shows other numbers"


if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
    sys.stdout.write = _write_and_keep  # type: ignore[method-assign]
    shell.events.register("pre_run_cell", _begin)
