"""Tests of the built site run for each page, or for each notebook, by the fixture that they take."""

import pytest
from tests.docs.blocks import SITE, parsed


def offers_a_notebook(name: str) -> bool:
    """Whether a page has such a download."""
    return bool(parsed(SITE / name).select("a.download[href$='.ipynb']"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Name the pages as their addresses do."""
    names = [file.relative_to(SITE).as_posix() for file in sorted(SITE.rglob("*.html"))]
    names = [name for name in names if "_static" not in name]
    if not names:
        raise pytest.UsageError(f"no site in {SITE}: build it with `nox -s docs`")
    folder = SITE.parent / "jupyter_execute"
    executed = [name for name in names if (folder / name.replace(".html", ".ipynb")).exists()]
    pages = {
        "name": names,
        "executed_notebook": executed,
        "notebook": list(filter(offers_a_notebook, executed)),
    }
    for fixture, values in pages.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, values, scope="module")
