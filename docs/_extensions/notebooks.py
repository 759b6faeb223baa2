"""Notebooks: how their cells are executed, and how a page of them becomes a download."""

import base64
import os
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import nbformat
import zmq
from bs4 import BeautifulSoup, Tag
from docutils import nodes
from jupyter_client import KernelManager
from markdownify import MarkdownConverter
from myst_nb.core.execute.inline import NotebookClientInline
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from sphinx.application import Sphinx

_create_kernel_manager = NotebookClient.create_kernel_manager
_finalise_client = NotebookClientInline.finalise_client
_eval_variable = NotebookClientInline.eval_variable

HIDDEN = {"remove-cell", "remove-input"}  # the tags of code that the page doesn't show
CODE = "\0"  # stands where a cell of code stood
FIRST = """\
This notebook is a page of relugrad's documentation. It needs Python 3.11 or newer, and relugrad: \
run `pip install .` in a clone of its repository. """


def _configured(client: NotebookClient) -> KernelManager:
    """Set what MyST-NB can't be told to set."""
    # MyST-NB joins what a cell prints with empty lines in between, and changes the download:
    # https://github.com/executablebooks/MyST-NB/issues/690. nbclient joins it as it was printed.
    client.coalesce_streams = True
    manager = _create_kernel_manager(client)
    # A kernel's ports may be taken by another one before it has opened them:
    # https://github.com/nteract/papermill/issues/511. Sockets that are files can't be.
    if zmq.has("ipc"):
        manager.transport = "ipc"
        manager.ip = f"{tempfile.gettempdir()}/kernel-{os.getpid()}"
    return manager


def _finished(client: NotebookClientInline) -> None:
    """Execute the hidden cells after the last one that is shown, where MyST-NB would stop."""
    client.code_cell_outputs(len(client.notebook.cells) - 1)
    _finalise_client(client)


def _evaluated(client: NotebookClientInline, name: str) -> list[nbformat.NotebookNode]:
    """Execute the hidden cells up to the next one that is shown, which define what prose names."""
    cells = client.notebook.cells[client._last_cell_executed + 1 :]
    for cell in cells:
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", ()):
            break
        client.code_cell_outputs(client._last_cell_executed + 1)
    return _eval_variable(client, name)


class _Markdown(MarkdownConverter):
    """Markdown as Jupyter reads it."""

    class Options:
        heading_style = "atx"
        sub_symbol, sup_symbol = "<sub>", "<sup>"

    def convert_math(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Give back the LaTeX that mathml.py was given."""
        sign = "$$" if el["display"] == "block" else "$"
        return f"{sign}{el['alttext']}{sign}"


def _read(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text("utf-8"), "html.parser")


def _detach(article: Tag, page: Path, address: str) -> dict[str, dict[str, str]]:
    """Lead links to where they work from anywhere, and take the pictures along, which are returned."""
    pictures = {}
    for link in article.select("a[href]"):
        file, anchor = urldefrag(link["href"])
        if file.endswith("literature.html") and anchor:  # the paper itself
            entry = _read(page.parent / file).find(id=anchor)
            link["href"] = (entry.select_one("a.external") or link)["href"]
        link.attrs = {"href": urljoin(address, link["href"])}
        if not urlsplit(link["href"]).netloc:
            link.unwrap()  # the site has no address: its pages are named
    for image in article.select("img"):
        file = page.parent / image["src"]
        pictures[file.name] = {"image/png": base64.b64encode(file.read_bytes()).decode()}
        image["src"] = f"attachment:{file.name}"
    return pictures


def _cells(page: Path, code: list[NotebookNode], address: str) -> list[NotebookNode]:
    """The page as cells: what to install, then its texts, and between them the code."""
    article, packages = _read(page).select_one("article"), ""
    for paragraph in article.select("p:has(a.download)"):  # without the offer, and what it needs
        for command in paragraph.select("code:-soup-contains('pip install')"):
            packages = command.get_text().removeprefix("pip install ")
        sentences = re.split(r"(?<=[.!?])\s+", paragraph.decode_contents())
        kept = " ".join(s for s in sentences if "download" not in s and ">pip<" not in s)
        paragraph.replace_with(BeautifulSoup(f"<p>{kept}</p>", "html.parser"))
    for cell in article.select(".cell:has(.cell_input)"):
        cell.replace_with(BeautifulSoup(f"<p>{CODE}</p>", "html.parser"))
    for element in article.select("a.headerlink, style, script"):
        element.decompose()
    pictures = _detach(article, page, address)
    cells = [new_markdown_cell(FIRST + "The next cell installs the rest." * bool(packages))]
    cells += [new_code_cell(f"%pip install --quiet {packages}")] * bool(packages)
    texts = _Markdown().convert_soup(article).split(CODE)
    for text, after in zip(texts, [*code, None], strict=True):
        shown = {name: data for name, data in pictures.items() if f"attachment:{name}" in text}
        cells += [new_markdown_cell(text.strip(), attachments=shown), after]
    return [cell for cell in cells if cell and cell.source]


def _offer(app: Sphinx, exception: Exception | None) -> None:
    """Write each download again: what the page shows, as a notebook that runs without the site."""
    written = exception is None and app.builder.format == "html"
    for source, (pages, download) in (app.env.dlfiles if written else {}).items():
        if download.suffix == ".ipynb":
            notebook = nbformat.read(Path(app.srcdir, source), as_version=4)
            code = [cell for cell in notebook.cells if cell.cell_type == "code"]
            code = [cell for cell in code if not HIDDEN & set(cell.metadata.get("tags", ()))]
            name = app.builder.get_target_uri(*pages)
            address = app.config.html_baseurl and urljoin(app.config.html_baseurl, name)
            notebook.cells = _cells(Path(app.outdir, name), code, address)
            for number, cell in enumerate(notebook.cells):
                cell.update(id=str(number), metadata={})
            for key in ("file_format", "source_map"):  # MyST-NB's
                notebook.metadata.pop(key, None)
            nbformat.write(notebook, Path(app.outdir, "_downloads", download))


def _leave_corners_empty(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Make cells of the empty headings in the corners of tables, which screen readers can't read."""
    if "body" in context:
        context["body"] = re.sub(r"<th[^>]*>(<p></p>)?</th>", "<td></td>", context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Configure each client that is made, and write the downloads once the pages are written."""
    NotebookClient.create_kernel_manager = _configured
    NotebookClientInline.finalise_client = _finished
    NotebookClientInline.eval_variable = _evaluated
    app.connect("html-page-context", _leave_corners_empty)
    app.connect("build-finished", _offer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
