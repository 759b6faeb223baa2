"""The built site: what the reference page says, that its links lead somewhere, and that its code ran."""

import inspect
import re
from base64 import b64decode
from itertools import pairwise
from textwrap import indent
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

import matplotlib.pyplot as plt
import pytest
from bs4 import Tag
from tests.docs.blocks import RELEASED, SITE, cells, compact, executed, parsed, place

import relugrad

PYTHON = {"default", "ipython3", "pycon", "pycon3", "python"}
OTHER = {"bibtex", "sh", "text"}  # commands, and what was printed or raised elsewhere
FACTS = [  # without spaces
    "finalclassrelugrad.ReluGrad(alpha=0.3,width=1.0,",  # not an example of a call
    "spikeswherex>=0,anditsderivativeismax(0,alpha*(width-abs(x)))instead",
    "g(x)={1x≥00x<0",
    "g′(x)=ReLU(α(w−|x|))=max(0,α(w−|x|))",
    "peaksatαwatx=0,fallslinearlyto0atx=±w,is0for|x|≥w:",
    "from0at-widthtoalpha*width**2atwidth.",
    "foralphain[0.3,0.5,1.0]:forwidthin[1.0,2.0]:surrogate=ReluGrad(alpha,width)label=rf",
    r'label=rf"$\alpha={alpha}$,$w={width}$"upper.plot(x,jax.vmap(jax.grad(surrogate))(x),label=label)',
    r'forwidthin[0.5,1.0,1.5,2.0]:surrogate=ReluGrad(0.5,width)label=rf"$\alpha=0.5$,$w={width}$"lower',
    "x=jnp.array([-2.0,-0.5,0.0,0.5,2.0])>>>spike=ReluGrad(alpha=0.3,width=1.0)",
    "print(spike(x))[0.0.1.1.1.]>>>print(jax.vmap(jax.grad(spike))(x))[0.0.150.30.150.]",
    "E.O.Neftci,H.MostafaandF.Zenke,“Surrogategradientlearninginspikingneuralnetworks”,",
]


@pytest.fixture(scope="module")
def entry() -> Tag:
    """The entry of ReluGrad on the reference page."""
    return parsed(SITE / "reference/relugrad.html").select("dl:has(> [id='relugrad.ReluGrad'])")[0]


@pytest.mark.parametrize("fact", FACTS)
def test_reference_page_states(fact: str, entry: Tag) -> None:
    """What readers come for, as they see it."""
    text = re.sub(r"[\s\u2061\u200b]+", "", entry.get_text())
    assert fact in text, f"src/relugrad/_relu_grad.py: let the docstring show {fact}"


def test_reference_page_has_its_sections(entry: Tag) -> None:
    headings = entry.select("p.rubric, p.admonition-title, dl.field-list > dt")
    titles = {heading.get_text(strip=True).rstrip(":") for heading in headings}
    assert {"Parameters", "Examples", "See also", "References"} <= titles
    assert len(entry.select("math[display=block]")) == 2  # each on a line of its own
    parameters = [item.get_text() for item in entry.select("dl.field-list li")]
    for name, unit in ("alpha", "1 / (unit of x)²"), ("width", "the unit of x"):
        text = next(text for text in parameters if text.startswith(name))
        assert all(word in text for word in ["ArrayLike", f", in {unit}", "Default"]), text


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


def test_what_a_notebook_prints_is_asserted(notebook: str) -> None:
    """A shown cell whose output holds text is followed by a hidden one that checks it; all were run."""
    all_cells = cells(SITE.parent / "jupyter_execute" / notebook.replace(".html", ".ipynb"))
    end: dict[str, Any] = {"metadata": {}, "source": ""}
    for cell, after in pairwise([*all_cells, end]):
        where = f"{place(notebook, cell['source'])}:\n{cell['source']}\n"
        assert cell["cell_type"] != "code" or cell["execution_count"], f"{where}wasn't executed"
        shown = cell.get("outputs", []) if "remove-input" not in str(cell["metadata"]) else []
        texts = [output for output in shown if "image/png" not in output.get("data", {})]
        printed = any(output.get("name") != "stderr" for output in texts)
        checked = "remove-input" in str(after["metadata"]) and "assert" in after["source"]
        assert checked or not printed, f"{where}assert in a hidden cell what this prints"


# What Jupyter wouldn't show as on the page: MyST's own markup, and links to other files
MYST = r"\{[a-z:-]+\}`|```\{|\{(?:math|code)-|^:::|\]\((?!http|attachment:)"


def test_a_notebook_is_offered_as_a_plain_one(notebook: str) -> None:
    """A page that shows cells, but Home, has one download: its code, executed, and all of its text."""
    page, name = parsed(SITE / notebook), notebook.replace(".html", ".ipynb").rpartition("/")[2]
    shown = [pre.get_text().strip() for pre in page.select("article .cell_input pre")]
    article: Any = page.article
    links = article.select(f"a.download[href$='/{name}']")
    offers = bool(shown) and name != "index.ipynb"
    assert len(links) == offers, f"{place(notebook, name)}: offer `{{nb-download}}{name}` once"
    for link in links:
        offered = cells((SITE / notebook).parent / str(link["href"]))
        # What is written into files, or needed for it, is folded.
        assert all(bool(c["metadata"]) == ("b64decode" in c["source"]) for c in offered)
        code = [cell for cell in offered if cell["cell_type"] == "code"]
        sources = [cell["source"].strip() for cell in code]
        at = [source[:21] for source in sources].index("%pip install --quiet ")
        assert [source for source in sources[at:] if not source.startswith("%")] == shown
        installed = sources[at].split()[3:]
        named = page.select("p:has(a.download) code:-soup-contains('pip install')")
        said = {word for command in named for word in command.get_text().split()[2:]}
        wheel = "relugrad" if RELEASED else f"relugrad-{relugrad.__version__}-py3-none-any.whl"
        assert said == {*installed} - {wheel, "jax", "joblib", "numpy"}, installed
        brought = re.findall(r"'([\w.-]+)': '(.+?)'", "\n".join(sources[:at]))
        imported = {"spiking.py"} if "from spiking import" in str(shown) else set()
        assert imported | ({wheel} & {*installed} - {"relugrad"}) <= {*dict(brought)}
        for file, text in brought:
            assert [b64decode(text)] == [f.read_bytes() for f in SITE.glob(f"_downloads/*/{file}")]
        outputs = [output for cell in code for output in cell["outputs"] if "text" in output]
        printed = [pre.get_text().strip() for pre in page.select("article .stream pre")]
        assert ["".join(output["text"]).strip() for output in outputs] == printed
        text = "\n".join(cell["source"] for cell in offered if cell not in code)
        words = lambda text: {*re.findall(r"[A-Za-z]{5,}", text)}
        offer, everything = link.parent.get_text(" "), str(offered).replace("\\n", " ")
        assert words(article.get_text(" ")) <= words(offer) | words(everything)
        assert re.findall(MYST, text, re.MULTILINE) == []


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
