"""Make the list of papers a list for a screen reader: docutils gives its entries a deprecated role."""

from typing import Any

from sphinx.application import Sphinx


def name_entries(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Give the entries the role that belongs into a list."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, bool]:
    """Change the page before it is written."""
    app.connect("html-page-context", name_entries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
