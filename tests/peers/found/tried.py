"""What the survey knows of a rule."""

from collections.abc import Callable
from typing import NamedTuple

from relugrad.testing import Rule


class Tried(NamedTuple):
    """A public function, where its rule is defined, and what it should compute."""

    function: str
    definition: str  # as draw.py prints it, without the line
    describe: Callable[[], Rule]
    mistake: str = ""  # the program that shows it without the checker
    remark: str = ""  # why a failure is no mistake, or isn't counted
