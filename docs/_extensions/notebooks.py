"""Notebooks: how their cells are executed, and what of them is offered as a download."""

import os
import tempfile
from pathlib import Path

import nbformat
import zmq
from jupyter_client import KernelManager
from nbclient import NotebookClient
from sphinx.application import Sphinx

_create_kernel_manager = NotebookClient.create_kernel_manager


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


def _leave_out_hidden_cells(app: Sphinx, exception: Exception | None) -> None:
    """Take what the reader of the page doesn't see out of the notebook to download."""
    for file in Path(app.outdir, "_downloads").glob("*/*.ipynb"):
        notebook = nbformat.read(file, as_version=4)
        notebook.cells = [
            c for c in notebook.cells if "remove-cell" not in c.metadata.get("tags", ())
        ]
        nbformat.write(notebook, file)


def setup(app: Sphinx) -> dict[str, bool]:
    """Configure each client that is made; change the downloads once they are written."""
    NotebookClient.create_kernel_manager = _configured
    app.connect("build-finished", _leave_out_hidden_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
