"""What the modules of the pages share."""

from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "_data"
np.set_printoptions(legacy="1.21")  # a page shows 3, and not np.int64(3)


class Markdown(str):
    """A text that a notebook shows as what it says."""

    def _repr_markdown_(self) -> str:
        return self
