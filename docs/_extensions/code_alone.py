"""``literalinclude`` shows Python without its docstrings. All of its options work as they do in Sphinx."""

import ast
from typing import Any

from sphinx.application import Sphinx
from sphinx.directives import code

DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef
LEFT_OUT = "\0\n"


class CodeAlone(code.LiteralIncludeReader):
    """Marks docstrings before the options choose lines, which may count them, and drops them after."""

    def read_file(self, filename: Any, location: Any = None) -> list[str]:
        """Return the lines of the file, with a mark in place of each line of a docstring."""
        lines = super().read_file(filename, location)
        for node in ast.walk(ast.parse("".join(lines))):
            if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
                first, last = node.body[0].lineno - 1, node.body[0].end_lineno or 0
                last += last < len(lines) and not lines[last].strip()  # the blank line below it
                lines[first:last] = [" " * node.body[0].col_offset + LEFT_OUT] * (last - first)
        return lines

    def read(self, location: Any = None) -> tuple[str, int]:
        """Return the chosen lines without the marks, and how many there are."""
        lines = super().read(location)[0].splitlines(keepends=True)
        lines = [line for line in lines if line.lstrip(" ") != LEFT_OUT]
        return "".join(lines).strip("\n") + "\n", len(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Let the directive read files in this way."""
    code.LiteralIncludeReader = CodeAlone
    return {"parallel_read_safe": True, "parallel_write_safe": True}
