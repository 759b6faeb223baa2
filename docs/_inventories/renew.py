"""Renew the inventories beside this file, and keep what the pages link to.

Run it with an environment that has Sphinx; it needs the network. To link to something new, add its
name to ``LINKED`` and run it again.
"""

import sys
from pathlib import Path
from urllib.request import urlopen

from sphinx.util.inventory import InventoryFile

LINKED = {
    "https://docs.jax.dev/en/latest/": (
        "jax",
        """jax.Array jax.checkpoint jax.custom_jvp jax.custom_vjp jax.grad jax.hessian jax.jacfwd
        jax.jit jax.jvp jax.lax.scan jax.linearize jax.numpy.sin jax.typing.ArrayLike jax.vmap""",
    ),
    "https://docs.python.org/3/": ("python", "bool None TypeError ValueError"),
}


def renew(url: str, file: Path, names: set[str]) -> None:
    """Write what the inventory at url says of the names, in Sphinx's plain format, version 1."""
    with urlopen(url + "objects.inv") as answer:
        inventory = InventoryFile.loads(answer.read(), uri="").data
    found: dict[str, str] = {}
    project = version = ""
    for kind, items in inventory.items():
        for name, item in items.items():
            if kind.startswith("py:") and name in names:
                location = item.uri.partition("#")[0]
                found[name] = f"{name} {kind.removeprefix('py:')} {location}"
                project, version = item.project_name, item.project_version
    if missing := names - found.keys():
        sys.exit(f"{url}objects.inv does not list {', '.join(sorted(missing))}")
    header = f"# Sphinx inventory version 1\n# Project: {project}\n# Version: {version}\n"
    file.write_text(header + "".join(f"{found[name]}\n" for name in sorted(found)), "utf-8")
    print(f"{file.name}: {len(found)} names from {project} {version}")


if __name__ == "__main__":
    for url, (stem, names) in LINKED.items():
        renew(url, Path(__file__).with_name(f"{stem}.txt"), set(names.split()))
