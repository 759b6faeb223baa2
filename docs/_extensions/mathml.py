"""Math as MathML: typeset by the browser itself and read by screen readers, without a script.

Sphinx has no renderer of this kind: https://github.com/sphinx-doc/sphinx/issues/6092.
"""

from pathlib import Path
from typing import Any

import ziamath
from docutils import nodes
from fontTools import subset
from math_core import LatexToMathML
from sphinx.application import Sphinx


def write_formula(self: Any, node: nodes.math | nodes.math_block) -> None:
    """Within a line, or on a line of its own."""
    alone = isinstance(node, nodes.math_block)
    formula = LatexToMathML().convert_with_local_state(node.astext(), displaystyle=alone)
    self.body.append(f'<div class="math">{formula}</div>\n' if alone else formula)
    raise nodes.SkipNode


def write_font(app: Sphinx, exception: Exception | None) -> None:
    """Serve a part of STIX Two Math: brackets stretch only in a font that was made for math."""
    if exception:
        return  # of its own, which this must not hide
    whole = Path(ziamath.__file__).with_name("fonts") / "STIXTwoMath-Regular.ttf"
    # ASCII, times, Greek, punctuation, operators, and the italics of letters
    used = "--unicodes=20-7E,D7,391-3F5,2000-206F,2200-226F,22C5,1D434-1D467,1D6E2-1D71B"
    options = ["--flavor=woff2", "--layout-features=*", "--name-IDs=*"]
    subset.main([str(whole), f"--output-file={app.outdir}/_static/math.woff2", used, *options])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register as ``html_math_renderer = "mathml"``."""
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    app.connect("build-finished", write_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
