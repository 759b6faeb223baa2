"""Notebooks: how their cells are executed, and how a page of them becomes a download."""

import ast
import base64
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import nbformat
import zmq
from bs4 import BeautifulSoup, Tag
from jupyter_client import KernelManager
from markdownify import MarkdownConverter
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from sphinx.application import Sphinx

_create_kernel_manager = NotebookClient.create_kernel_manager

HIDDEN = {"remove-cell", "remove-input"}
CODE = "\0"  # stands where a cell of code stood
FIRST = """\
This notebook is a page of relugrad's documentation. It needs Python 3.11 or newer, and relugrad: \
run `pip install .` in a clone of its repository{}"""


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


class _Markdown(MarkdownConverter):
    """Markdown as Jupyter reads it."""

    class Options:
        heading_style = "atx"
        sub_symbol, sup_symbol = "<sub>", "<sup>"

    def convert_math(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Give back the LaTeX that mathml.py was given."""
        sign = "$$" if el["display"] == "block" else "$"
        return f"{sign}{el['alttext']}{sign}"


def _parsed(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def _markdown(page: Path, address: str) -> Iterator[NotebookNode]:
    """The texts before, between and after a page's cells of code, each with its pictures."""
    article, pictures = _parsed(page.read_text("utf-8")).select_one("article"), {}
    for cell in article.select(".cell:has(.cell_input)"):
        cell.replace_with(_parsed(f"<p>{CODE}</p>"))
    for paragraph in article.select("p:has(a.download)"):  # a notebook doesn't offer itself
        sentences = re.split(r"(?<=[.!?])\s+", paragraph.decode_contents())
        kept = [sentence for sentence in sentences if "download" not in sentence]
        paragraph.replace_with(_parsed(f"<p>{' '.join(kept)}</p>"))
    for element in article.select("a.headerlink, style, script"):
        element.decompose()
    for link in article.select("a[href]"):
        file, anchor = urldefrag(link["href"])
        if file.endswith("literature.html") and anchor:
            entry = _parsed((page.parent / file).read_text("utf-8")).find(id=anchor)
            link["href"] = (entry.select_one("a.external") or link)["href"]  # the paper itself
        link["href"] = urljoin(address, link["href"])
        if not urlsplit(link["href"]).netloc:
            link.unwrap()  # the site has no address: its pages are named
    for image in article.select("img"):
        file = page.parent / image["src"]
        pictures[file.name] = {"image/png": base64.b64encode(file.read_bytes()).decode()}
        image["src"] = f"attachment:{file.name}"
    for text in _Markdown().convert_soup(article).split(CODE):
        shown = {name: data for name, data in pictures.items() if f"attachment:{name}" in text}
        yield new_markdown_cell(text.strip(), attachments=shown)


def _to_install(code: list[NotebookNode]) -> list[str]:
    """The packages of what is imported, without relugrad and what comes with it."""
    nodes = [node for cell in code for node in ast.walk(ast.parse(cell.source))]
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    known = packages_distributions()
    names = {str(module).split(".")[0] for module in modules} - {"jax", "numpy", "relugrad"}
    return sorted({known[name][0] for name in names - set(sys.stdlib_module_names)})


def _offer(app: Sphinx, exception: Exception | None) -> None:
    """Write each download again: what the page shows, as a notebook that runs without the site."""
    downloads = {} if exception else app.env.dlfiles
    for source, (pages, download) in downloads.items():
        if download.suffix != ".ipynb":
            continue
        notebook = nbformat.read(Path(app.srcdir, source), as_version=4)
        code = [
            cell
            for cell in notebook.cells
            if cell.cell_type == "code" and not HIDDEN & set(cell.metadata.get("tags", ()))
        ]
        name = app.builder.get_target_uri(*pages)
        address = app.config.html_baseurl and urljoin(app.config.html_baseurl, name)
        texts = _markdown(Path(app.outdir, name), address)
        page = [cell for pair in zip(texts, [*code, None], strict=True) for cell in pair]
        packages = " ".join(_to_install(code))
        first = [
            new_markdown_cell(FIRST.format(". The next cell installs the rest." * bool(packages)))
        ]
        if packages:
            first.append(new_code_cell(f"%pip install --quiet {packages}", execution_count=0))
        notebook.cells = first + [cell for cell in page if cell and cell.source]
        for number, cell in enumerate(notebook.cells):
            cell.update(id=str(number), metadata={})
        for key in notebook.metadata.keys() - {"kernelspec", "language_info"}:
            del notebook.metadata[key]
        nbformat.write(notebook, Path(app.outdir, "_downloads", download))


def setup(app: Sphinx) -> dict[str, bool]:
    """Configure each client that is made; write the downloads once the pages are written."""
    NotebookClient.create_kernel_manager = _configured
    app.connect("build-finished", _offer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
