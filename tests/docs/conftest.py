"""The built site, which these tests look at and never build: `pytest tests/docs/test_site.py`."""

from pathlib import Path

import pytest
from tests.docs import blocks


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the site is."""
    where = Path(__file__).parents[2] / "docs/_build/html"
    parser.addoption("--site", type=Path, default=where, help="the folder of the built site")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a `name` for each page, one that takes a `notebook` for each of them."""
    site = Path(str(metafunc.config.getoption("--site")))
    names = [file.relative_to(site).as_posix() for file in sorted(site.rglob("*.html"))]
    names = [n for n in names if not (n.startswith("_static/") or blocks.leads_to(site / n))]
    if not names:
        raise pytest.UsageError(f"no site in {site}: build it, or name another folder with --site")
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", names, scope="module")
    if "notebook" in metafunc.fixturenames:
        executed = [site.parent / "jupyter_execute" / Path(n).with_suffix(".ipynb") for n in names]
        executed = [notebook for notebook in executed if notebook.exists()]
        metafunc.parametrize("notebook", executed, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def site(pytestconfig: pytest.Config) -> Path:
    """The folder that a host serves."""
    return Path(str(pytestconfig.getoption("--site")))


@pytest.fixture(scope="session")
def executed(site: Path) -> set[str]:
    """The source of each block that the tests or the build of the site execute."""
    return blocks.executed(site)
