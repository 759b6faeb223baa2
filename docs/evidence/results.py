"""What the modules of the pages share."""

from pathlib import Path

DATA = Path(__file__).parents[1] / "_data"


class Markdown(str):
    """A text that a notebook shows as what it says."""

    def _repr_markdown_(self) -> str:
        return self
