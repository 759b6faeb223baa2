"""For readers that are programs: a description of each page, and all of its parts in Markdown."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_design.shared import PassthroughTextElement


def describe(app: Sphinx, document: nodes.document) -> None:
    """Let the first sentence of a page be its description, in the HTML and in llms.txt."""
    if any(document.findall(nodes.meta)):
        return
    if paragraph := next(document.findall(nodes.paragraph), None):
        text = " ".join(paragraph.astext().split())
        (sentence,) = re.findall(r"^.*?\.(?= |$)|^.*$", text)[:1]
        document.insert(0, nodes.meta("", name="description", content=sentence))


def visit(self: Any, node: nodes.Element) -> None:
    """Write what is in the node."""


def end(self: Any, node: nodes.Element) -> None:
    """Let what comes next be a paragraph of its own."""
    self.ensure_eol(2)


def skip(self: Any, node: nodes.Element) -> None:
    """Write nothing."""
    raise nodes.SkipNode


def visit_label(self: Any, node: nodes.Element) -> None:
    """Write the name of an entry of the bibliography."""
    self.add(f"[{node.astext()}] ")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Teach the Markdown builder the nodes that it doesn't know."""
    app.connect("doctree-read", describe)
    for node in (nodes.abbreviation, nodes.citation):
        app.add_node(node, override=True, markdown=(visit, visit))
    app.add_node(PassthroughTextElement, override=True, markdown=(visit, end))
    for node in (nodes.meta, nodes.raw):  # raw: HTML and scripts, for a browser
        app.add_node(node, override=True, markdown=(skip, None))
    app.add_node(nodes.label, override=True, markdown=(visit_label, None))
    # The Markdown's outputs are those of the HTML, from jupyter-cache. Of several processes that use
    # it at once, each may remove what another has just added.
    return {"parallel_read_safe": False, "parallel_write_safe": True}
