"""A download of each notebook, as Jupyter shows it, and what happens when a cell fails."""

import base64
import os
import re
import sys
import tempfile
from importlib.metadata import packages_distributions
from pathlib import Path
from posixpath import join
from typing import Any
from urllib.parse import urljoin, urlsplit

import nbformat
from docutils import nodes
from jupyter_client.provisioning import LocalProvisioner
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.addnodes import download_reference
from sphinx.application import ENV_PICKLE_FILENAME, Sphinx
from sphinx_markdown_builder.translator import MarkdownTranslator

SETUP = """# Writes {} beside this notebook
import base64, pathlib
for name, text in {}.items():
    pathlib.Path(name).write_bytes(base64.b64decode(text))"""
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # in JupyterLab, and in Colab
PACKAGES = packages_distributions()  # by module; it reads all that is installed
pre_launch = LocalProvisioner.pre_launch


async def use_file_transport(self: Any, **kwargs: Any) -> Any:
    """Reach a kernel at files: a port may be taken before it has opened it (papermill's issue 511)."""
    if os.name != "nt":
        self.parent.transport, self.parent.ip = "ipc", f"{tempfile.mkdtemp()}/kernel"
    return await pre_launch(self, **kwargs)


def failed_pages(_app: Sphinx, env: Any, *_: object) -> list[str]:
    """What is read again next time; MyST-NB has named these pages."""
    pages = NbMetadataCollector.get_doc_data(env).items()
    return [name for name, known in pages if known.get("exec_data", {}).get("traceback")]


def stop_at_warnings(app: Sphinx, env: Any) -> None:
    """End, now that what was read is stored, unless a page has a warning that nobody would see again."""
    if app._warncount > 2 * len(failed_pages(app, env)):  # MyST-NB warns twice of each
        Path(app.doctreedir, ENV_PICKLE_FILENAME).unlink()
    if app._warncount:
        sys.exit("\nThe warnings above are errors.")


class Cells(MarkdownTranslator):
    """What a page shows, as Jupyter reads it, with a mark in place of each cell of shown code."""

    def unknown_visit(self, node: nodes.Node) -> None:
        """Go on with what is in it: a caption."""

    unknown_departure = unknown_visit

    def visit_raw(self, node: nodes.raw) -> None:
        """Keep HTML: the tables of pandas."""
        self.add(node.astext(), prefix_eol=2, suffix_eol=2)
        raise nodes.SkipNode

    def visit_container(self, node: nodes.container) -> None:
        """Mark the cell. Of another cell, the output is text."""
        if any(part.get("nb_element") == "cell_code_source" for part in node.children):
            self.add(f"\0{node['cell_index']}\0", prefix_eol=2, suffix_eol=2)
            raise nodes.SkipNode


def make_portable(app: Sphinx, tree: nodes.document, page: str) -> dict[str, dict[str, str]]:
    """Lead links to where they work from anywhere, and take the pictures along, which are returned."""
    pictures = {}
    for link in list(tree.findall(nodes.reference)):
        to = urljoin(page, link.get("refuri", "#" + link.get("refid", "")))
        if "filename" in link:  # a download
            to = join(app.config.html_baseurl, "_downloads", link["filename"])
        link.attributes |= {"refuri": to, "internal": False}
        if not urlsplit(to).scheme:  # the site has no address: its pages are named
            link.replace_self(link.children if "#" in to else nodes.emphasis("", link.astext()))
    for image in tree.findall(nodes.image):
        file = Path(app.srcdir, image["uri"])
        pictures[file.name] = {"image/png": base64.b64encode(file.read_bytes()).decode()}
        image["uri"] = f"attachment:{file.name}"
    for formula in tree.findall(nodes.math):  # a bar would end an entry of a table
        formula[:] = [nodes.Text(formula.astext().replace("|", r"\vert "))]
    return pictures


def install_cells(app: Sphinx, code: str, files: list[Path]) -> list[str]:
    """Cells that write these files, and a wheel that no index has, and install what is imported."""
    modules = {*re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE)}
    others = modules - sys.stdlib_module_names - {"relugrad", *(file.stem for file in files)}
    needed = sorted(PACKAGES[module][0] for module in others)
    if "relugrad" in modules and app.tags.has("released"):
        needed.insert(0, "relugrad")
    elif "relugrad" in modules:
        files = [*files, *Path(app.srcdir, "../dist").glob(f"*{app.config.version}-*.whl")]
        needed.insert(0, files[-1].name)
    texts = {file.name: base64.b64encode(file.read_bytes()).decode() for file in files}
    setup = [SETUP.format(", ".join(texts), texts)] if files else []
    return [*setup, f"%pip install --quiet {' '.join(needed)}"]


def download_cells(app: Sphinx, name: str, code: list[Any]) -> list[Any]:
    """The page as it is shown, without the offer of the download, and below its title what to install."""
    tree = app.env.get_doctree(name)
    app.env.apply_post_transforms(tree, name)
    page = join(app.config.html_baseurl, app.builder.get_target_uri(name))
    offer = next(d.parent for d in tree.findall(download_reference) if ".ipynb" in d["reftarget"])
    shown = [c for c in code if c.cell_type == "code" and "remove-input" not in str(c.metadata)]
    source = "\n".join(cell.source for cell in shown)
    files = Path(app.srcdir, "downloads").glob("*.py")
    used = [file for file in files if f"from {file.stem} import" in source]
    source = "\n".join([source, *(file.read_text("utf-8") for file in used)])
    cells, install = [], install_cells(app, source, used)
    offer.parent.remove(offer)
    pictures = make_portable(app, tree, page)
    tree.walkabout(markdown := Cells(tree, app.builder))
    text = re.sub(r"^(?=## |\0)", "\0install\0", markdown.astext(), count=1, flags=re.MULTILINE)
    for part in re.split(r"(\0\w+\0)", text):
        if part == "\0install\0":
            cells += map(nbformat.v4.new_code_cell, install)
        elif part.startswith("\0"):
            cells.append(code[int(part.strip("\0"))])
        elif part.strip():
            shown = {name: data for name, data in pictures.items() if f"attachment:{name}" in part}
            cells.append(nbformat.v4.new_markdown_cell(part.strip(), attachments=shown))
    return cells


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write each download."""
    if exception:
        return
    for source, (pages, download) in app.env.dlfiles.items():
        if download.suffix == ".ipynb":
            notebook = nbformat.read(Path(app.srcdir, source), as_version=4)
            notebook.cells = download_cells(app, *pages, notebook.cells)
            for n, cell in enumerate(notebook.cells):
                cell.update(id=str(n), metadata=FOLDED if "b64decode" in cell.source else {})
                if cell.cell_type == "code":
                    # MyST-NB has joined what is printed in the first; warnings have paths of this machine.
                    first = next((o for o in cell.outputs if o.get("name") == "stdout"), None)
                    cell.outputs = [o for o in cell.outputs if "name" not in o or o is first]
            nbformat.write(notebook, Path(app.outdir, "_downloads", download))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register how kernels are reached, and what comes after the pages."""
    LocalProvisioner.pre_launch = use_file_transport
    app.connect("env-get-outdated", failed_pages)
    app.connect("env-check-consistency", stop_at_warnings)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
