"""The built site: what the reference page says, that its links lead somewhere, and to this site."""

import functools
import json
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag

ROOT = Path(__file__).parents[2]
REFERENCE = "reference/relugrad.html"


@functools.cache
def _page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def site(build: Path) -> Path:
    """The folder that a host serves."""
    return build / "html"


@pytest.fixture(scope="module")
def entry(site: Path) -> Tag:
    """The entry of ReluGrad on the reference page."""
    name = _page(site / REFERENCE).find(id="relugrad.ReluGrad")
    assert name is not None
    entry = name.find_parent("dl")
    assert entry is not None
    return entry


def _text(tag: Tag) -> str:
    """What a reader sees, without white space and invisible marks, which browsers lay out anew."""
    return re.sub(r"[\s\u2061\u200b]+", "", tag.get_text())


ROWS = {
    1: "ReluGrad(alpha=0.3,width=1.0",
    2: "g(x)=1forx≥0,g(x)=0forx<0",
    3: "=ReLU(α(w−|x|))thatis,g′(x)=max(0,α(w−|x|))",
    4: "peaksatαwatx=0,fallslinearlyto0atx=±w,is0for|x|>w",
    5: 'forwidth,dashin[(1.0,"-"),(2.0,"--")]:...foralpha,colorin[(0.3,"C0"),(0.5,"C1"),(1.0,"C2")]',
    6: 'forwidthin[0.5,1.0,1.5,2.0]:...draw(right,0.5,width,"-")',
    7: "jax.vmap(jax.grad(spike))(x)",
    8: "(Sourcecode,png,hires.png,pdf)",
    10: "x=jnp.array([-2.0,-0.5,0.0,0.5,2.0])>>>spike=surrogate.ReluGrad(alpha=0.3,width=1.0)",
    11: "print(spike(x))[0.0.1.1.1.]",
    12: "print(jax.vmap(jax.grad(spike))(x))[0.0.150.30.150.]",
    13: "E.O.Neftci,H.MostafaandF.Zenke,“Surrogategradientlearninginspikingneuralnetworks”,"
    "IEEESignalProcessingMagazine36(6),51-63,2019",
}


@pytest.mark.parametrize("row", ROWS)
def test_reference_page_states_row(row: int, entry: Tag) -> None:
    """The facts for which readers come, numbered as in the list of what the page must say."""
    assert ROWS[row] in _text(entry)


def test_reference_page_states_row_5_range_of_x(entry: Tag) -> None:
    """The second half of row 5."""
    assert "x=jnp.linspace(-3,3,1000)" in _text(entry)


@pytest.mark.parametrize("section", ["Parameters", "Examples", "See also", "References", "Raises"])
def test_reference_page_states_row_9_sections(section: str, entry: Tag) -> None:
    """Headings of the entry, however the theme marks them up."""
    headings = entry.select("p.rubric, p.admonition-title, dl.field-list > dt")
    assert section in {heading.get_text(strip=True).rstrip(":") for heading in headings}


@pytest.mark.parametrize("parameter", ["alpha", "width", "forward_mode"])
def test_reference_page_gives_type_unit_and_default(parameter: str, entry: Tag) -> None:
    """Types come from the annotations, and lead to their documentation."""
    item = next(li for li in entry.select("dl.field-list li") if _text(li).startswith(parameter))
    link = item.find("a")
    assert isinstance(link, Tag)
    assert link.get_text() == ("bool" if parameter == "forward_mode" else "ArrayLike")
    assert "Default" in item.get_text()
    assert parameter == "forward_mode" or "unit" in item.get_text()


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("Source code", b"import jax"),
        ("png", b"\x89PNG"),
        ("hires.png", b"\x89PNG"),
        ("pdf", b"%PDF"),
    ],
)
def test_figure_link_opens(name: str, start: bytes, site: Path, entry: Tag) -> None:
    """Each of the four links beside the figure has its file behind it."""
    link = next(a for a in entry.select("a.reference.download") if a.get_text() == name)
    assert ((site / REFERENCE).parent / str(link["href"])).read_bytes().startswith(start)


def _pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_site_asks_no_other_host(site: Path) -> None:
    """Nothing that a browser loads by itself, in a page or a style sheet, is elsewhere."""
    loads = ["src", "srcset", "poster", "data"]
    foreign = [
        (page.name, value)
        for page in _pages(site)
        for tag in _page(page).find_all(True)
        for value in [tag.get("href") if tag.name == "link" else None, *map(tag.get, loads)]
        if value and urlsplit(str(value)).netloc
    ]
    foreign += [
        (sheet.name, url)
        for sheet in site.rglob("*.css")
        for url in re.findall(
            r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")]+)", sheet.read_text()
        )
    ]
    assert foreign == []


def test_internal_links_and_anchors_resolve(site: Path) -> None:
    """Each link within the site leads to a file, and to an anchor in it."""
    anchors = {
        page.resolve(): {str(tag["id"]) for tag in _page(page).find_all(id=True)}
        for page in _pages(site)
    }
    broken = []
    checked = 0
    for page in _pages(site):
        for link in _page(page).find_all("a", href=True):
            address, anchor = urldefrag(str(link["href"]))
            if urlsplit(address).scheme or address == "#" or (not address and not anchor):
                continue
            folder = site if address.startswith("/") else page.parent  # as in 404.html
            target = folder / unquote(address).lstrip("/") if address else page
            target = target.resolve()
            checked += 1
            if not target.exists() or (anchor and anchor not in anchors.get(target, {anchor})):
                broken.append((page.name, link["href"]))
    assert broken == []
    assert checked > 100


def test_every_image_has_alt_text_that_says_what_it_shows(site: Path) -> None:
    """A figure is described, for those who do not see it."""
    images = [(page.name, i) for page in _pages(site) for i in _page(page).select("article img")]
    assert len(images) >= 4
    assert [(name, i["src"]) for name, i in images if len(str(i.get("alt", ""))) < 60] == []


def test_equations_are_mathml(site: Path, entry: Tag) -> None:
    """A browser typesets them and a screen reader reads them, without a script."""
    assert len(entry.find_all("math")) >= 8
    scripts = [s.get("src", "") for page in _pages(site) for s in _page(page).find_all("script")]
    assert [source for source in scripts if "mathjax" in str(source).lower()] == []


def test_quickstart_is_offered_as_an_executed_notebook(site: Path) -> None:
    """The download has its outputs in it."""
    (notebook,) = site.rglob("_downloads/*/quickstart.ipynb")
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    assert any("image/png" in output.get("data", {}) for c in code for output in c["outputs"])


@pytest.mark.parametrize("words", ["custom_vjp", "forward mode", "forward-mode autodiff jvp"])
def test_search_finds(words: str, site: Path) -> None:
    """The search index leads from each word to the guide for forward mode."""
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    search = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))
    guide = search["docnames"].index("how-to/forward-mode")
    # The index holds stems: a word is found by the stem that it starts with.
    for word in re.split(r"[\s-]", words):
        found = [
            pages if isinstance(pages, list) else [pages]
            for terms in (search["terms"], search["titleterms"])
            for stem, pages in terms.items()
            if word.startswith(stem) and len(stem) > 2
        ]
        assert any(guide in pages for pages in found), word


def test_landing_page_says_what_it_is_and_where_to_go(site: Path) -> None:
    """One sentence, the figure, the example with its output, and four ways on."""
    article = _page(site / "index.html").select_one("article")
    assert article is not None
    assert "one function for JAX" in article.get_text()
    assert article.select_one(".cell_output img")
    assert "spikes    [0. 0. 1. 1. 1.]" in article.get_text()
    assert len(article.select("a.sd-stretched-link")) == 4


def test_each_page_is_also_markdown_with_its_outputs(site: Path) -> None:
    """A program reads what a person reads, results and figures included."""
    pages = [page for page in _pages(site) if _page(page).find("link", type="text/markdown")]
    texts = {page.stem: page.with_suffix(".md").read_text(encoding="utf-8") for page in pages}
    assert len(pages) >= 14
    assert "spikes    [0. 0. 1. 1. 1.]" in texts["index"]
    assert re.search(r"!\[\w+ panels over x.*\]\(.+\.png\)", texts["index"], re.DOTALL)
    assert ">>> print(spike(x))\n[0. 0. 1. 1. 1.]" in texts["relugrad"]


@pytest.mark.parametrize("name", ["brainpy", "snnax", "spyx"])
def test_a_recorded_network_is_the_one_that_ran(name: str) -> None:
    """A script that was changed has to be run again: `nox -s peers -- --record docs/_data/peers.json`."""
    record = json.loads((ROOT / "docs/_data/peers.json").read_text(encoding="utf-8"))
    script = (ROOT / "tests/peers" / f"train_{name}.py").read_text(encoding="utf-8")
    assert record["networks"][name]["source"] == script
