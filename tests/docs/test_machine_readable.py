"""What programs read of the site: Markdown, llms.txt, sitemap, canonical addresses, the 404 page.

Built without running the cells, which is quick: once as it is, and once with an address.
"""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup, Tag

ROOT = Path(__file__).parents[2]
ADDRESS = "https://relugrad.example/docs"  # a name that is reserved for examples


def _build(folder: Path, **environment: str) -> Path:
    """Build the site; the one warning that is let pass is that nothing has been executed."""
    run = [sys.executable, "-m", "sphinx", "-W", "-q", "-D", "nb_execution_mode=off"]
    run += ["-D", "suppress_warnings=myst-nb.lexer,config.cache"]
    names = ("DOCS_BASE_URL", "READTHEDOCS_CANONICAL_URL")
    ran = subprocess.run(
        [*run, "-d", folder / "doctrees", "docs", folder / "html"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in names} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "WARNING" not in ran.stderr  # the Markdown has a build of its own
    return folder / "html"


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as built on a laptop."""
    return _build(tmp_path_factory.mktemp("nowhere"))


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as built for its address."""
    return _build(tmp_path_factory.mktemp("hosted"), DOCS_BASE_URL=ADDRESS)


@functools.cache
def _pages(site: Path) -> dict[str, BeautifulSoup]:
    return {
        str(page.relative_to(site).as_posix()): BeautifulSoup(
            page.read_text(encoding="utf-8"), "html.parser"
        )
        for page in sorted(site.rglob("*.html"))
    }


def _link(page: BeautifulSoup, relation: str) -> str | None:
    link = page.find("link", rel=relation)
    return str(link["href"]) if isinstance(link, Tag) else None


def _written(site: Path) -> set[str]:
    """The pages that somebody wrote, as opposed to indexes."""
    return {
        str(page.relative_to(site).with_suffix(".html").as_posix())
        for page in site.rglob("*.md")
        if "_sources" not in page.parts
    }


def test_each_page_has_its_markdown_and_says_so(nowhere: Path) -> None:
    """As many as there are pages in docs, each at the address with .md in place of .html."""
    sources = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    sources = {path for path in sources if not path.parts[0].startswith("_")}
    assert _written(nowhere) == {str(path.with_suffix(".html").as_posix()) for path in sources}
    for name in _written(nowhere):
        alternate = _link(_pages(nowhere)[name], "alternate")
        assert alternate == Path(name).with_suffix(".md").name


def test_llms_txt_lists_each_page_with_what_it_says(nowhere: Path) -> None:
    """The index that a program reads first."""
    text = (nowhere / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# relugrad\n\n> ")
    entries = dict(re.findall(r"^- \[.+?\]\((.+?)\): (.+)$", text, re.MULTILINE))
    listed = {str(Path(page).with_suffix(".html").as_posix()) for page in entries}
    assert listed == _written(nowhere)
    assert all(sentence.endswith((".", ":", "?")) for sentence in entries.values())


def test_nothing_is_lost_in_the_markdown(nowhere: Path) -> None:
    """The parts for which the Markdown builder has no rule of its own."""
    index = (nowhere / "index.md").read_text(encoding="utf-8")
    source = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    cards = re.findall(r"^:::\{grid-item-card\} (.+)$", source, re.MULTILINE)
    assert len(cards) >= 4
    assert [card for card in cards if f"\n{card}\n" not in index] == []
    assert "<script" not in index  # the explorer, which is for a browser
    literature = (nowhere / "reference" / "literature.md").read_text(encoding="utf-8")
    assert literature.count("\n[") >= 3


def test_without_an_address_none_is_claimed(nowhere: Path) -> None:
    """No sitemap, no canonical address, and a 404 page for the root of whatever host."""
    assert not (nowhere / "sitemap.xml").exists()
    assert {_link(page, "canonical") for page in _pages(nowhere).values()} == {None}


@pytest.mark.parametrize(("site", "prefix"), [("nowhere", "/"), ("hosted", "/docs/")])
def test_links_of_the_404_page_work_at_any_depth(
    site: str, prefix: str, request: pytest.FixtureRequest
) -> None:
    """It is shown at the address that does not exist, so its own links start at the root."""
    folder: Path = request.getfixturevalue(site)
    page = _pages(folder)["404.html"]
    addresses = [str(tag["href"]) for tag in page.find_all("a", href=True)]
    addresses += [str(tag["href"]) for tag in page.find_all("link", rel="stylesheet", href=True)]
    inside = [a.partition("#")[0].partition("?")[0] for a in addresses if not a.startswith("#")]
    inside = [a for a in inside if "://" not in a]
    assert len(inside) > 10
    assert [a for a in inside if not a.startswith(prefix)] == []
    assert [a for a in inside if not (folder / a.removeprefix(prefix)).exists()] == []


def test_with_an_address_each_page_is_in_the_sitemap_and_canonical(hosted: Path) -> None:
    """Both are the address with the name of the page."""
    names = ElementTree.parse(hosted / "sitemap.xml").iterfind(".//{*}loc")
    listed = {str(name.text) for name in names}
    assert {f"{ADDRESS}/{name}" for name in _written(hosted)} <= listed
    for name in _written(hosted):
        assert _link(_pages(hosted)[name], "canonical") == f"{ADDRESS}/{name}"
