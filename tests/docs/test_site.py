"""The built site: what the reference page says, that its links lead somewhere, and that its code ran."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from bs4 import Tag
from docutils.core import publish_doctree
from tests.docs.blocks import ROOT, cells, is_executed, leads_to, parsed

import relugrad
from _extensions.notebooks import detach

REFERENCE = "reference/relugrad.html"
PYTHON = {"default", "ipython3", "pycon", "pycon3", "python"}
OTHER = {"bibtex", "sh", "text"}  # commands, and what was printed or raised elsewhere


@pytest.fixture(scope="module")
def entry(site: Path) -> Tag:
    """The entry of ReluGrad on the reference page."""
    entry = parsed(site / REFERENCE).select_one("dl:has(> [id='relugrad.ReluGrad'])")
    assert entry is not None
    return entry


@pytest.fixture(scope="module")
def text(entry: Tag) -> str:
    """What a reader sees of it, without white space and invisible marks."""
    return re.sub(r"[\s\u2061\u200b]+", "", entry.get_text())


ROWS = [
    (1, "finalclassrelugrad.ReluGrad(alpha=0.3,width=1.0,"),  # not an example of a call
    (2, "g(x)={1x≥00x<0"),
    (3, "g′(x)=ReLU(α(w−|x|))=max(0,α(w−|x|))"),
    (4, "peaksatαwatx=0"),
    (5, "foralphain[0.3,0.5,1.0]:forwidthin[1.0,2.0]:"),
    (6, "forwidthin[0.5,1.0,1.5,2.0]:surrogate=ReluGrad(0.5,width)"),
    (7, "jax.vmap(jax.grad(surrogate))(x)"),
    (10, "x=jnp.array([-2.0,-0.5,0.0,0.5,2.0])>>>spike=ReluGrad(alpha=0.3,width=1.0)"),
    (11, "print(spike(x))[0.0.1.1.1.]"),
    (12, "print(jax.vmap(jax.grad(spike))(x))[0.0.150.30.150.]"),
    (13, "E.O.Neftci,H.MostafaandF.Zenke,“Surrogategradientlearninginspikingneuralnetworks”,"),
]


@pytest.mark.parametrize(("row", "fact"), ROWS)
def test_reference_page_states(row: int, fact: str, text: str) -> None:
    """The facts for which readers come, numbered as in the list of what the page must say."""
    assert fact in text


OPENS = {"Source code": b"import jax", "png": b"\x89PNG", "hires.png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.mark.parametrize("kind", OPENS)
def test_row_8_link_opens(kind: str, entry: Tag, site: Path) -> None:
    link = next(a for a in entry.select("a.download") if a.get_text() == kind)
    assert ((site / REFERENCE).parent / str(link["href"])).read_bytes().startswith(OPENS[kind])


@pytest.mark.parametrize("section", ["Parameters", "Examples", "See also", "References"])
def test_row_9_section(section: str, entry: Tag) -> None:
    headings = entry.select("p.rubric, p.admonition-title, dl.field-list > dt")
    assert section in {heading.get_text(strip=True).rstrip(":") for heading in headings}


@pytest.mark.parametrize("parameter", ["alpha", "width"])
def test_row_9_meaning_unit_and_default(parameter: str, entry: Tag) -> None:
    items = [item.get_text() for item in entry.select("dl.field-list li")]
    item = next(item for item in items if item.startswith(parameter))
    assert all(word in item for word in ["ArrayLike", "unit", "Default"])


def test_internal_links_and_anchors_resolve(name: str, site: Path) -> None:
    """Each link within the site leads to a file, and to an anchor in it."""
    page, broken = site / name, []
    for link in parsed(page).find_all("a", href=True):
        address, anchor = urldefrag(str(link["href"]))
        if urlsplit(address).scheme:
            continue
        target = (page.parent / unquote(address)).resolve() if address else page
        if not (target.exists() and (not anchor or parsed(target).find(id=unquote(anchor)))):
            broken.append(link["href"])
    assert broken == []


def test_every_image_has_alt_text_that_says_what_it_shows(name: str, site: Path) -> None:
    """A figure is described, for those who do not see it."""
    images = parsed(site / name).select("article img")
    assert [i["src"] for i in images if len(str(i.get("alt", ""))) < 60] == []


def test_every_python_block_is_executed(name: str, site: Path, executed: set[str]) -> None:
    """Each block names its language, and one in Python is a block that ran and passed."""
    unknown = []
    for pre in parsed(site / name).select("article div[class*=highlight-] pre"):
        block = pre.find_parent("div", class_=re.compile("highlight-"))
        if block is None or pre.find_parent("div", class_=re.compile("^(cell_)?output$")):
            continue
        classes = " ".join(block["class"])
        language = re.findall(r"highlight-(\w+)", classes)[0]
        if language in PYTHON:
            if not is_executed(pre.get_text(), executed):
                unknown.append(pre.get_text())
        elif language not in OTHER:
            unknown.append(f"{language}: {pre.get_text()}")
    assert unknown == []


def _is_shown(cell: dict[str, Any]) -> bool:
    """Whether its code is. Of a record, only the output is, about which hidden cells assert."""
    return "remove-input" not in cell["metadata"].get("tags", [])


def _shows_text(cell: dict[str, Any]) -> bool:
    """Whether it is shown, and puts out anything but figures."""
    return _is_shown(cell) and any(
        output.get("name") == "stdout"
        or ("data" in output and not any(kind.startswith("image/") for kind in output["data"]))
        for output in cell.get("outputs", [])
    )


def test_what_a_notebook_prints_is_asserted(notebook: Path) -> None:
    """A cell whose output holds text is followed by a hidden one that checks it; all were run."""
    code = [cell for cell in cells(notebook) if cell["cell_type"] == "code"]
    assert [cell["source"] for cell in code if not cell["execution_count"]] == []
    pairs = pairwise([*cells(notebook), {"metadata": {}, "source": ""}])
    assert [
        cell["source"]
        for cell, after in pairs
        if _shows_text(cell) and (_is_shown(after) or "assert" not in after["source"])
    ] == []


MYST = re.compile(r"\{[a-z:-]+\}`|```\{|\{(math|code)-|_downloads/|^:::", re.MULTILINE)


def test_a_notebook_is_offered_as_a_plain_one(notebook: Path, site: Path) -> None:
    """A page that shows cells has one download: the page's code, executed, and Markdown alone."""
    name = notebook.relative_to(site.parent / "jupyter_execute").with_suffix(".html")
    page = parsed(site / name)
    links = page.select(f"article a.download[href$='/{notebook.name}']")
    assert len(links) == bool(page.select("article .cell_input"))
    for link in links:
        first, *offered = cells((site / name).parent / str(link["href"]))
        used = any("import ReluGrad" in cell["source"] for cell in offered)
        assert ("It needs relugrad" in first["source"]) == used
        for named in page.select("p:has(a.download) code:-soup-contains('pip install')"):
            packages = named.get_text().removeprefix("pip install ")
            assert offered.pop(0)["source"] == f"%pip install --quiet {packages}"
        assert {str(cell["metadata"]) for cell in [first, *offered]} == {"{}"}
        code = [cell for cell in offered if cell["cell_type"] == "code"]
        shown = [pre.get_text().strip() for pre in page.select("article .cell_input pre")]
        assert [cell["source"].strip() for cell in code] == shown
        outputs = [output for cell in code for output in cell["outputs"] if "text" in output]
        printed = [pre.get_text().strip() for pre in page.select("article .stream pre")]
        assert ["".join(output["text"]).strip() for output in outputs] == printed
        text = "\n".join(c["source"] for c in offered if c["cell_type"] == "markdown")
        assert text.startswith("# ")
        assert MYST.search(text) is None
        assert re.findall(r"\]\((?!http|attachment:)[^)]+\)", text) == []


def test_a_notebook_links_to_the_site_or_names_its_pages() -> None:
    named, linked = (publish_doctree("See `Reset <reset.html>`_.") for _ in range(2))
    detach(named, "how-to/choose.html", ROOT)
    assert "<emphasis>Reset</emphasis>" in str(named)
    detach(linked, "https://a.org/how-to/choose.html", ROOT)
    assert 'refuri="https://a.org/how-to/reset.html"' in str(linked)


def test_machines_read_what_is_shown(site: Path) -> None:
    """All pages as text: without directives, and without the cells that no reader sees."""
    text = (site / "llms-full.txt").read_text("utf-8")
    assert re.findall(r"^.*(?:remove-input|evidence import|```\{).*", text, re.MULTILINE) == []
    assert "[0.   0.15 0.3  0.15 0.  ]" in text


def test_landing_page_says_what_it_is_and_where_to_go(site: Path) -> None:
    """The example with its output, the figure, four ways to start, the package, BibTeX."""
    page = parsed(site / "index.html")
    assert "[0.   0.15 0.3  0.15 0.  ]" in page.get_text()
    assert len(page.select("article img")) == 1
    assert len(page.select("article .sd-card a.sd-stretched-link")) == 4
    links = page.select("article a.download")
    wheel, source = [(site / str(link["href"])).resolve(strict=True) for link in links]
    assert f"pip install {wheel.name}\n" in page.get_text()
    assert source.name == f"relugrad-{relugrad.__version__}.tar.gz"
    assert f"version = {{{relugrad.__version__}}}" in page.get_text()
    assert f"relugrad {relugrad.__version__}, Apache-2.0" in page.get_text()


# Their subject has another name, or several
RENAMED = {
    "reference/special-values",
    "studies/frozen-control",
    "studies/index",
    "studies/laws",
    "studies/scale-and-shape",
    "tutorials/digits",
}


def test_an_old_address_leads_to_its_subject(site: Path) -> None:
    """To a page with the words of the address, and to a heading if one is named."""
    old = {file: urldefrag(to) for file in site.rglob("*/*.html") if (to := leads_to(file))}
    wrong = []
    for file, (page, anchor) in old.items():
        name, target = file.relative_to(site).with_suffix("").as_posix(), file.parent / page
        text = parsed(target).get_text().lower() if target.is_file() else ""
        words = [] if name in RENAMED else file.stem.split("-")
        if not (text and all(word in text for word in words)) or (
            anchor and not parsed(target).find(id=anchor)
        ):
            wrong.append(f'docs/redirects.toml: "{name}" leads to {page}#{anchor}')
    assert wrong == []
    assert len(old) > 10
