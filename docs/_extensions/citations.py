"""The literature as a list: the role that docutils gives an entry of it is deprecated, and alone."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def visit(self: Any, node: nodes.citation) -> None:
    """Write the start of an entry, for a screen reader to count."""
    HTML5Translator.visit_citation(self, node)
    self.body[-1] = self.body[-1].replace("doc-biblioentry", "listitem")


def setup(app: Sphinx) -> dict[str, bool]:
    """Take the place of docutils' own."""
    app.add_node(nodes.citation, override=True, html=(visit, HTML5Translator.depart_citation))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
