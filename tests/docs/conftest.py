"""Tests of the built site run for each page that takes a `name`, or for each notebook among them."""

import pytest
from tests.docs.blocks import MOVED, SITE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Name the pages as their addresses do, and leave out those that lead elsewhere."""
    names = [file.relative_to(SITE).as_posix() for file in sorted(SITE.rglob("*.html"))]
    moved = [f"{name}.html" for name in MOVED["redirects"]]
    names = [name for name in names if name not in moved and "_static" not in name]
    if not names:
        raise pytest.UsageError(f"no site in {SITE}: build it with `nox -s docs`")
    executed = SITE.parent / "jupyter_execute"
    notebooks = [n for n in names if (executed / n.replace(".html", ".ipynb")).exists()]
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", names, scope="module")
    if "notebook" in metafunc.fixturenames:
        metafunc.parametrize("notebook", notebooks)
