"""Tests of the built site run for each page that takes a `name`, or for each notebook among them."""

import pytest
from tests.docs.blocks import SITE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Name the pages as their addresses do."""
    names = [file.relative_to(SITE).as_posix() for file in sorted(SITE.rglob("*.html"))]
    names = [name for name in names if "_static" not in name]
    if not names:
        raise pytest.UsageError(f"no site in {SITE}: build it with `nox -s docs`")
    executed = SITE.parent / "jupyter_execute"
    notebooks = [n for n in names if (executed / n.replace(".html", ".ipynb")).exists()]
    for fixture, values in {"name": names, "notebook": notebooks}.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, values, scope="module")
