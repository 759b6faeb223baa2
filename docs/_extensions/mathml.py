"""Math as MathML: typeset by the browser itself and read by screen readers, without a script.

Sphinx has no renderer of this kind: https://github.com/sphinx-doc/sphinx/issues/6092.
"""

from typing import Any

from docutils import nodes
from math_core import LatexToMathML
from sphinx.application import Sphinx


def write_formula(self: Any, node: nodes.math | nodes.math_block) -> None:
    """Within a line, or on a line of its own."""
    alone = isinstance(node, nodes.math_block)
    formula = LatexToMathML().convert_with_local_state(node.astext(), displaystyle=alone)
    self.body.append(f'<div class="math">{formula}</div>\n' if alone else formula)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register as ``html_math_renderer = "mathml"``."""
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
