"""The built site: what the reference page says, that its links lead somewhere, and that its code ran."""

import inspect
import re
import runpy
from base64 import b64decode
from dataclasses import dataclass
from itertools import pairwise
from textwrap import indent
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import Tag
from tests.docs.blocks import RELEASED, SITE, cells, compact, executed, parsed, place

import relugrad

PYTHON = {"default", "ipython3", "pycon", "pycon3", "python"}
OTHER = {"bibtex", "sh", "text"}  # commands, and what was printed or raised elsewhere
FACTS = [
    "final class relugrad.ReluGrad(alpha=0.3, width=1.0, ",  # not an example of a call
    "spikes where x >= 0, and its derivative is max(0, alpha * (width - abs(x))) instead",
    "g(x)={1x≥00x<0",
    "g′(x)=ReLU(α(w−|x|))=max(0,α(w−|x|))",
    "peaks at αw at x=0, falls linearly to 0 at x=±w, is 0 for |x|≥w",
    "from 0 at -width to alpha * width**2 at width.",
    ">>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0]) >>> spike = ReluGrad(alpha=0.3, width=1.0)",
    ">>> print(spike(x)) [0. 0. 1. 1. 1.]",
    ">>> print(jax.vmap(jax.grad(spike))(x)) [0. 0.15 0.3 0.15 0. ]",
    "E. O. Neftci, H. Mostafa and F. Zenke, “Surrogate gradient learning in spiking neural",
]


@pytest.fixture(scope="module")
def entry() -> Tag:
    """The entry of ReluGrad on the reference page."""
    return parsed(SITE / "reference/relugrad.html").select("dl:has(> [id='relugrad.ReluGrad'])")[0]


@pytest.mark.parametrize("fact", FACTS)
def test_reference_page_states(fact: str, entry: Tag) -> None:
    """What readers come for, as they see it."""
    visible = re.sub(r"[\u2061-\u2063\u200b]", "", entry.get_text())  # formulas have other spaces
    text = " ".join(visible.split())
    assert fact in text, f"src/relugrad/_relu_grad.py: let the docstring show {fact}"


def test_reference_page_has_its_sections(entry: Tag) -> None:
    headings = entry.select("p.rubric, p.admonition-title, dl.field-list > dt")
    titles = {heading.get_text(strip=True).rstrip(":") for heading in headings}
    assert {"Parameters", "Examples", "See also", "References"} <= titles
    assert len(entry.select("math[display=block]")) == 2  # each on a line of its own
    items = [item.get_text() for item in entry.select("dl.field-list li")]
    for name, unit in ("alpha", "1 / (unit of x)²"), ("width", "the unit of x"):
        (text,) = [item for item in items if item.startswith(f"{name} ")]
        for fact in ["ArrayLike", f", in {unit}", "Default"]:
            assert fact in text, f"src/relugrad/_relu_grad.py: {name} doesn't say {fact!r}: {text}"


def test_reference_figure_can_be_downloaded(entry: Tag) -> None:
    """As source code that runs, as a picture in two resolutions, and as PDF."""
    links = entry.select("p a.download")
    assert [link.get_text() for link in links] == ["Source code", "png", "hires.png", "pdf"]
    source, png, hires, pdf = [SITE / "reference" / str(link["href"]) for link in links]
    docstring = inspect.getdoc(relugrad.ReluGrad) or ""
    code = indent(source.read_text("utf-8").strip(), "    ")
    assert code in docstring, f"{source} isn't the code of the figure"
    assert plt.imread(hires).shape[0] == 2 * plt.imread(png).shape[0], f"{hires}: not twice {png}"
    assert pdf.read_bytes().startswith(b"%PDF-"), f"{pdf} can't be opened"


def test_reference_figure_shows_triangles(entry: Tag) -> None:
    """Above, for each alpha with both widths; below, for each width with an alpha of 0.5."""
    source = SITE / "reference" / str(entry.select("p a.download")[0]["href"])
    plt.close("all")
    runpy.run_path(str(source))
    upper, lower = plt.gcf().axes
    both_widths = [(alpha, width) for alpha in (0.3, 0.5, 1.0) for width in (1.0, 2.0)]
    of_widths = [(0.5, width) for width in (0.5, 1.0, 1.5, 2.0)]
    for panel, parameters in [(upper, both_widths), (lower, of_widths)]:
        assert len(panel.lines) == len(parameters)
        for line, (alpha, width) in zip(panel.lines, parameters, strict=True):
            name = rf"$\alpha = {alpha}$, $w = {width}$"
            assert line.get_label() == name
            x, y = np.asarray(line.get_xydata()).T
            triangle = np.maximum(0, alpha * (width - abs(x)))
            np.testing.assert_allclose(y, triangle, atol=1e-6, err_msg=name)


def test_internal_links_and_anchors_resolve(name: str) -> None:
    """Each link within the site leads to a file, and to an anchor in it."""
    page, broken = SITE / name, []
    for link in parsed(page).find_all("a", href=True):
        address, anchor = urldefrag(str(link["href"]))
        if urlsplit(address).scheme:
            continue
        target = (page.parent / unquote(address)).resolve() if address else page
        if not (target.exists() and (not anchor or parsed(target).find(id=unquote(anchor)))):
            broken.append(f"{place(name, link.get_text())}: {link['href']} leads nowhere")
    assert not broken, "\n".join(broken)


def test_keywords_belong_to_a_section(name: str) -> None:
    """Below the first one, to which the keywords of the page belong."""
    page = parsed(SITE / name)
    sections = [str(link["href"])[1:] for link in page.select("article .headerlink")][1:]
    for meta in page.select("meta[data-section]"):
        assert meta["data-section"] in sections, f"{name}: no section has these {meta['name']}"


def test_no_figure_is_shown_twice(name: str) -> None:
    """Two plots of a page have the same file unless one has a `filename-prefix`."""
    sources = [image["src"] for image in parsed(SITE / name).select("article img")]
    assert len(sources) == len({*map(str, sources)}), sources


def test_tables_are_tables(name: str) -> None:
    """A cell's output in Markdown is shown as it stands unless its page names the format."""
    texts = [paragraph.get_text() for paragraph in parsed(SITE / name).select("article p")]
    assert [text for text in texts if "| --- |" in text] == []


def test_every_image_has_alt_text_that_says_what_it_shows(name: str) -> None:
    """A figure is described, for those who do not see it."""
    for image in parsed(SITE / name).select("article img"):
        alt = str(image.get("alt", ""))
        assert len(alt) >= 60, f"{place(name, alt)}: describe {image['src']} in an alt text"


def test_every_python_block_is_executed(name: str) -> None:
    """Each block names its language, and one in Python ran and passed, or its page says when it does.

    Blocks of prompts are counted where they run: in tests/test_documentation.py.
    """
    unknown, ran = [], executed("once a week" in parsed(SITE / name).get_text())
    outputs = ".output, .output *, .cell_output *"
    for block in parsed(SITE / name).select(f"article [class*=highlight-]:not({outputs})"):
        code, language = block.get_text(), re.findall(r"highlight-(\w+)", str(block["class"]))[0]
        if language in PYTHON and code[:4] != ">>> " and compact(code) not in ran:
            unknown.append(f"{place(name, code)}: let this be executed:\n{code}")
        elif language not in PYTHON | OTHER:
            unknown.append(f"{place(name, code)}: name the language, or `text`, of\n{code}")
    assert not unknown, "\n".join(unknown)


def prints(cell: dict[str, Any]) -> bool:
    """Whether readers see an output of this cell that holds text."""
    if "remove-input" in str(cell["metadata"]):
        return False
    texts = [o for o in cell.get("outputs", []) if "image/png" not in o.get("data", {})]
    return any(output.get("name") != "stderr" for output in texts)


def checks(cell: dict[str, Any]) -> bool:
    """Whether this is a hidden cell that asserts something, or shows what a module has checked."""
    is_hidden = "remove-input" in str(cell["metadata"])
    return is_hidden and ("assert" in cell["source"] or "versions.table" in cell["source"])


def test_what_a_notebook_prints_is_asserted(executed_notebook: str) -> None:
    """A shown cell whose output holds text is followed by a hidden one that checks it; all were run."""
    file = SITE.parent / "jupyter_execute" / executed_notebook.replace(".html", ".ipynb")
    end: dict[str, Any] = {"metadata": {}, "source": ""}
    for cell, after in pairwise([*cells(file), end]):
        where = f"{place(executed_notebook, cell['source'])}:\n{cell['source']}\n"
        assert cell["cell_type"] != "code" or cell["execution_count"], f"{where}wasn't executed"
        if prints(cell):
            assert checks(after), f"{where}assert in a hidden cell what this prints"


@dataclass(frozen=True)
class Download:
    """The notebook that a page offers, and the page."""

    page: Tag
    link: Tag
    cells: list[dict[str, Any]]

    @property
    def code(self) -> list[dict[str, Any]]:
        """Its cells with code."""
        return [cell for cell in self.cells if cell["cell_type"] == "code"]

    @property
    def installed(self) -> list[str]:
        """What its cell with `pip` installs."""
        (command,) = [c["source"] for c in self.code if c["source"].startswith(PIP)]
        return command.removeprefix(PIP).split()

    @property
    def written(self) -> dict[str, bytes]:
        """The files that its first cells write."""
        sources = "\n".join(cell["source"] for cell in self.code)
        return {name: b64decode(text) for name, text in re.findall(FILE_IN_BASE64, sources)}


PIP = "%pip install --quiet "
FILE_IN_BASE64 = r"'([\w.-]+)': '(.+?)'"
WHEEL = "relugrad" if RELEASED else f"relugrad-{relugrad.__version__}-py3-none-any.whl"
# What Jupyter wouldn't show as on the page: MyST's own markup, and links to other files
MYST = r"\{[a-z:-]+\}`|```\{|\{(?:math|code)-|^:::|\]\((?!http|attachment:)"


def shown_code(page: Tag) -> list[str]:
    """What stands in the cells of a page."""
    return [pre.get_text().strip() for pre in page.select("article .cell_input pre")]


def long_words(text: str) -> set[str]:
    """Those of five letters or more."""
    return set(re.findall(r"[A-Za-z]{5,}", text))


@pytest.fixture(scope="module")
def download(notebook: str) -> Download:
    """What a page offers."""
    page = parsed(SITE / notebook)
    (link,) = page.select("a.download[href$='.ipynb']")
    file = (SITE / notebook).parent / str(link["href"])
    return Download(page, link, cells(file))


def test_a_page_with_code_offers_one_notebook(executed_notebook: str) -> None:
    """But Home, and pages that show only tables."""
    page = parsed(SITE / executed_notebook)
    offered = page.select("article a.download[href$='.ipynb']")
    expected = bool(shown_code(page)) and executed_notebook != "index.html"
    assert len(offered) == expected, f"{place(executed_notebook, '')}: offer `{{nb-download}}` once"


def test_a_download_has_the_code_of_its_page_and_its_outputs(download: Download) -> None:
    sources = [cell["source"].strip() for cell in download.code]
    (first,) = [place for place, source in enumerate(sources) if source.startswith(PIP)]
    assert sources[first + 1 :] == shown_code(download.page)
    outputs = [output for cell in download.code for output in cell["outputs"] if "text" in output]
    printed = [pre.get_text().strip() for pre in download.page.select("article .stream pre")]
    assert ["".join(output["text"]).strip() for output in outputs] == printed


def test_a_download_folds_what_it_writes(download: Download) -> None:
    for cell in download.cells:
        assert bool(cell["metadata"]) == ("b64decode" in cell["source"]), cell["source"][:200]


def test_a_download_installs_what_its_page_says(download: Download) -> None:
    """Which needn't name the package itself, nor what comes with JAX and scikit-learn."""
    commands = download.page.select("p:has(a.download) code:-soup-contains('pip install')")
    named = {word for command in commands for word in command.get_text().split()[2:]}
    assert named == set(download.installed) - {WHEEL, "jax", "joblib", "numpy"}


def test_a_download_writes_the_files_that_it_imports(download: Download) -> None:
    needed = set()
    if "from spiking import" in str(shown_code(download.page)):
        needed.add("spiking.py")
    if WHEEL in download.installed and not RELEASED:
        needed.add(WHEEL)
    assert needed <= set(download.written)
    for name, content in download.written.items():
        (offered,) = SITE.glob(f"_downloads/*/{name}")
        assert content == offered.read_bytes(), f"{name} isn't the file that the site offers"


def test_a_download_has_all_text_of_its_page(download: Download) -> None:
    """But the sentences that offer it; and in Markdown that Jupyter knows."""
    text = "\n".join(c["source"] for c in download.cells if c["cell_type"] != "code")
    assert re.findall(MYST, text, re.MULTILINE) == []
    article, offer = download.page.select("article")[0], download.link.parent
    assert offer is not None
    everything = str(download.cells).replace("\\n", " ")
    in_download = long_words(offer.get_text(" ")) | long_words(everything)
    assert long_words(article.get_text(" ")) <= in_download


def test_landing_page_says_what_it_is_and_where_to_go() -> None:
    """The examples with their output, four ways to start, the package, BibTeX."""
    page, version = parsed(SITE / "index.html"), relugrad.__version__
    assert len(page.select("article .sd-card a.sd-stretched-link")) == 4
    files = [(SITE / str(link["href"])).resolve(strict=True) for link in page.select("a.download")]
    wheel, source = f"relugrad-{version}-py3-none-any.whl", f"relugrad-{version}.tar.gz"
    assert [file.name for file in files] == ([source] if RELEASED else [wheel, source])
    install = f"pip install {'relugrad' if RELEASED else wheel}\n"
    cited = f"version = {{{version}}}", f"relugrad {version}"
    for fact in [install, *cited, "0.15 0.3  0.15 0.", "-0.3013"]:
        assert fact in page.get_text(), f"docs/index.md: show {fact!r}"
