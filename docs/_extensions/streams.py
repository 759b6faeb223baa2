"""Join what a cell prints piece by piece, exactly, and in a copy.

MyST-NB may put empty lines between the pieces, and would put the later ones twice into the notebook
to download.
"""

import copy
from typing import Any

from myst_nb.core import render
from sphinx.application import Sphinx


def join(outputs: list[Any]) -> list[Any]:
    """One output for each stream, where the stream began; all others as they are."""
    joined, streams = [], {}
    for output in copy.deepcopy(outputs):
        name = output.get("name")  # only a stream has one
        if name in streams:
            streams[name]["text"] += output["text"]
            continue
        joined.append(output)
        if name:
            streams[name] = output
    return joined


def setup(app: Sphinx) -> dict[str, bool]:
    """Put it in the place of MyST-NB's."""
    render.coalesce_streams = join
    return {"parallel_read_safe": True, "parallel_write_safe": True}
