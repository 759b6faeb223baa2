"""Merge what a cell prints in a copy: the notebook to download would have it twice otherwise."""

import copy
from typing import Any

from myst_nb.core import render
from sphinx.application import Sphinx

merge = render.coalesce_streams


def merge_in_copy(outputs: list[Any]) -> list[Any]:
    """What MyST-NB does in place, and with the second part left behind."""
    return list(merge(copy.deepcopy(outputs)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Put the copy in between."""
    render.coalesce_streams = merge_in_copy
    return {"parallel_read_safe": True, "parallel_write_safe": True}
