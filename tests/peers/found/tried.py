"""What the survey knows of a rule."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from relugrad.testing import Rule


class Tried(NamedTuple):
    """A public function, where its rule is defined, and what it should compute."""

    function: str
    definition: str  # as draw.py prints it, without the line
    describe: Callable[[], Rule]
    mistakes: Mapping[str, str] = {}  # a program for each, and the check that finds it
    remark: str = ""  # why a failure is no mistake, or isn't counted
