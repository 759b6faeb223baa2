"""A download of each notebook, as Jupyter shows it, and what happens when a cell fails."""

import base64
import os
import re
import sys
import tempfile
from importlib.metadata import EntryPoint, packages_distributions
from pathlib import Path
from posixpath import join
from typing import Any
from urllib.parse import urljoin, urlsplit

import nbformat
from docutils import nodes
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner
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
IMPORTED = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)


class FileProvisioner(LocalProvisioner):
    """Reaches a kernel at files: a port may be taken before it has opened it (papermill's issue 511)."""

    async def pre_launch(self, **kwargs: Any) -> Any:
        """Say so to the manager of the kernel, which then chooses no ports."""
        if os.name != "nt":
            self.parent.transport = "ipc"
            self.parent.ip = f"{tempfile.mkdtemp()}/kernel"
        return await super().pre_launch(**kwargs)


def use_file_provisioner() -> None:
    """Let all kernels of this process be started by it."""
    factory = KernelProvisionerFactory.instance()
    entry = EntryPoint("files", "notebooks:FileProvisioner", factory.GROUP_NAME)
    factory.provisioners[entry.name] = entry
    factory.default_provisioner_name = entry.name


def failed_pages(_app: Sphinx, env: Any, *_: object) -> list[str]:
    """What is read again next time; MyST-NB has named these pages."""
    failed = []
    for name, known in NbMetadataCollector.get_doc_data(env).items():
        if known.get("exec_data", {}).get("traceback"):
            failed.append(name)
    return failed


def stop_at_warnings(app: Sphinx, env: Any) -> None:
    """End once what was read is stored, so that the next build needn't execute it again."""
    warnings_of_failed_pages = 2 * len(failed_pages(app, env))  # MyST-NB gives two of each
    if app._warncount > warnings_of_failed_pages:
        # Nobody would see the others again: the next build reads all pages.
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


def in_base64(file: Path) -> str:
    """What is in the file, as text that a notebook can hold."""
    return base64.b64encode(file.read_bytes()).decode()


def make_portable(app: Sphinx, tree: nodes.document, page: str) -> dict[str, dict[str, str]]:
    """Lead links to where they work from anywhere, and take the pictures along, which are returned."""
    for link in list(tree.findall(nodes.reference)):
        if "filename" in link:  # a download
            target = join(app.config.html_baseurl, "_downloads", link["filename"])
        else:
            target = urljoin(page, link.get("refuri", "#" + link.get("refid", "")))
        link["refuri"] = target
        link["internal"] = False
        has_address = bool(urlsplit(target).scheme)
        if not has_address and "#" in target:
            link.replace_self(link.children)
        elif not has_address:
            link.replace_self(nodes.emphasis("", link.astext()))  # the name of a page
    pictures = {}
    for image in tree.findall(nodes.image):
        file = Path(app.srcdir, image["uri"])
        pictures[file.name] = {"image/png": in_base64(file)}
        image["uri"] = f"attachment:{file.name}"
    for formula in tree.findall(nodes.math):  # a bar would end an entry of a table
        formula[:] = [nodes.Text(formula.astext().replace("|", r"\vert "))]
    return pictures


def install_cells(app: Sphinx, code: str, files: list[Path]) -> list[str]:
    """Cells that write these files, and a wheel that no index has, and install what is imported."""
    provided = {file.stem for file in files}
    modules = set(IMPORTED.findall(code)) - sys.stdlib_module_names - provided
    needed = sorted(PACKAGES[module][0] for module in modules - {"relugrad"})
    written = list(files)
    if "relugrad" in modules and app.tags.has("released"):
        needed.insert(0, "relugrad")
    elif "relugrad" in modules:
        (wheel,) = Path(app.srcdir, "../dist").glob(f"*{app.config.version}-*.whl")
        needed.insert(0, wheel.name)
        written.append(wheel)
    cells = [f"%pip install --quiet {' '.join(needed)}"]
    if written:
        texts = {file.name: in_base64(file) for file in written}
        cells.insert(0, SETUP.format(", ".join(texts), texts))
    return cells


def is_shown(cell: Any) -> bool:
    """Whether readers see its code."""
    return cell.cell_type == "code" and "remove-input" not in cell.metadata.get("tags", [])


def text_with_marks(app: Sphinx, tree: nodes.document) -> str:
    """The page as Markdown, with marks for its cells, and one below its title for what to install."""
    markdown = Cells(tree, app.builder)
    tree.walkabout(markdown)
    first_section_or_cell = re.compile(r"^(?=## |\0)", re.MULTILINE)
    return first_section_or_cell.sub("\0install\0", markdown.astext(), count=1)


def download_cells(app: Sphinx, name: str, executed: list[Any]) -> list[Any]:
    """The page as it is shown, without the offer of the download, and below its title what to install."""
    tree = app.env.get_doctree(name)
    app.env.apply_post_transforms(tree, name)
    downloads = tree.findall(download_reference)
    offer = next(link.parent for link in downloads if link["reftarget"].endswith(".ipynb"))
    offer.parent.remove(offer)
    page = join(app.config.html_baseurl, app.builder.get_target_uri(name))
    pictures = make_portable(app, tree, page)

    code = "\n".join(cell.source for cell in executed if is_shown(cell))
    offered = Path(app.srcdir, "downloads").glob("*.py")
    used = [file for file in offered if f"from {file.stem} import" in code]
    for file in used:
        code += "\n" + file.read_text("utf-8")
    install = install_cells(app, code, used)

    cells = []
    for part in re.split(r"(\0\w+\0)", text_with_marks(app, tree)):
        if part == "\0install\0":
            cells += [nbformat.v4.new_code_cell(source) for source in install]
        elif part.startswith("\0"):
            cells.append(executed[int(part.strip("\0"))])
        elif part.strip():
            attached = {n: data for n, data in pictures.items() if f"attachment:{n}" in part}
            cells.append(nbformat.v4.new_markdown_cell(part.strip(), attachments=attached))
    return cells


def shown_outputs(cell: Any) -> list[Any]:
    """Those that the page shows: not warnings, which have paths of this machine."""
    shown = []
    has_printed = False  # MyST-NB has joined all that is printed in the first of these outputs
    for output in cell.outputs:
        if "name" not in output:
            shown.append(output)
        elif output.name == "stdout" and not has_printed:
            shown.append(output)
            has_printed = True
    return shown


def write_downloads(app: Sphinx, exception: Exception | None) -> None:
    """Write each download of a page that offers one."""
    if exception:
        return
    for source, (pages, download) in app.env.dlfiles.items():
        if download.suffix != ".ipynb":
            continue
        notebook = nbformat.read(Path(app.srcdir, source), as_version=4)
        (page,) = pages
        notebook.cells = download_cells(app, page, notebook.cells)
        for number, cell in enumerate(notebook.cells):
            cell.id = str(number)
            cell.metadata = FOLDED if "b64decode" in cell.source else {}
            if cell.cell_type == "code":
                cell.outputs = shown_outputs(cell)
        nbformat.write(notebook, Path(app.outdir, "_downloads", download))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register how kernels are reached, and what comes after the pages."""
    use_file_provisioner()
    app.connect("env-get-outdated", failed_pages)
    app.connect("env-check-consistency", stop_at_warnings)
    app.connect("build-finished", write_downloads)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
