"""Math as MathML: typeset by the browser itself and read by screen readers, without a script.

Sphinx has no renderer of this kind: https://github.com/sphinx-doc/sphinx/issues/6092.
"""

import re
from html import escape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

# What a browser without a font for mathematics sets too high or too far apart.
BETTER = {
    r"<msup>(<mi>[^<]+</mi>)<mi>(&#x02032;)</mi></msup>": r'\1<mo lspace="0" rspace="0">\2</mo>',
    r'<mo stretchy="false">&#x0007C;</mo>': '<mo stretchy="false" lspace="0" rspace="0">|</mo>',
    r"<mo>([A-Za-z]+)</mo>": r"<mi>\1</mi>",
    # A minus after an equals sign, a comma, a bracket and the like is a sign.
    r"(&#x0(?:003D|002C|0028|2264|2265|2248);</mo>)<mo>(&#x02212;)": r'\1<mo form="prefix">\2',
}


def typeset(formula: str, display: str = "inline") -> str:
    """The formula as an element of HTML."""
    mathml = convert(formula, display=display)
    mathml = mathml.replace("<math", f'<math alttext="{escape(formula)}"', 1)  # for notebooks.py
    for pattern, better in BETTER.items():
        mathml = re.sub(pattern, better, mathml)
    return mathml


def inline(self: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(typeset(node.astext()))
    raise nodes.SkipNode


def block(self: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(typeset(node.astext(), "block") + "</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register as ``html_math_renderer = "mathml"``."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
