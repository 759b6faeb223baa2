"""The site. Every notebook and figure is executed by this build, and nothing is fetched by it."""

import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from math_core import LatexToMathML
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.search import IndexBuilder
from sphinx.util.docutils import SphinxTranslator

import relugrad

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE / "downloads")]
# Kernels and plot_directive have one look, and find `evidence` and `spiking`. Several run at a time.
os.environ |= {"MATPLOTLIBRC": str(HERE), "PYTHONSTARTUP": str(HERE / "evidence/printed.py")}
os.environ |= {"PYTHONPATH": f"{HERE}{os.pathsep}{HERE / 'downloads'}", "OMP_NUM_THREADS": "1"}

project = html_title = "relugrad"
copyright = "2026, the relugrad developers"
version = release = relugrad.__version__
# A tag of Sphinx, by which pages and downloads know what to install
cited = (HERE.parent / "CITATION.cff").read_text("utf-8")
tags.add("released" if "date-released" in cited else "unreleased")  # noqa: F821

extensions = [
    *(f"sphinx.ext.{name}" for name in ("autodoc", "napoleon", "intersphinx", "viewcode")),
    "sphinx_autodoc_typehints",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    "matplotlib.sphinxext.plot_directive",
    "myst_nb",
    "sphinx_markdown_builder",
    "notebooks",  # ours
]
exclude_patterns = ["_build", "reports"]  # downloads
nitpicky = True
highlight_language = "output"  # a block that does not name its language is not Python

napoleon_use_rtype = typehints_document_rtype = False  # a type stands beside what is returned
autodoc_type_aliases = {"ArrayLike": ":py:data:`~jax.typing.ArrayLike`"}  # a union

# Links to other projects: a line in an inventory of this repository for each name that is linked
intersphinx_mapping = {
    "jax": ("https://docs.jax.dev/en/latest/", "_inventories/jax.txt"),
    "python": ("https://docs.python.org/3/", "_inventories/python.txt"),
}

# Pages and notebooks
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "inline"  # each page anew, so that its text can hold {eval}`record.worse`
nb_eval_name_regex = r"\w+\.\w+$"
nb_execution_show_tb = True
nb_execution_timeout = -1  # a slow machine builds the site slowly
nb_merge_streams = True
nb_output_stderr = "remove"  # progress bars
copybutton_prompt_text = r">>> |\.\.\. ?"
copybutton_prompt_is_regexp = True
copybutton_selector = "div:not(.output) > div.highlight > pre"  # code, and not what it printed

bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"

plot_include_source, plot_html_show_formats = True, False
plot_formats = [("png", 110)]

html_theme = "sphinx_book_theme"
html_math_renderer = "mathml"
templates_path, html_static_path = ["_templates"], ["_static"]
html_css_files = ["relugrad.css"]
html_favicon = html_logo = "_static/triangle.svg"
html_use_index = False
toc_object_entries_show_parents = "hide"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system has it
html_theme_options = {
    "footer_content_items": ["copyright.html", "extra-footer.html"],
    "extra_footer": f"relugrad {version}, Apache-2.0",
    "logo": {"text": "relugrad"},
    "navbar_persistent": [],  # or a bar above the page has the sidebar's search once more
    "pygments_dark_style": "github-dark-colorblind",
    "show_toc_level": 2,
    "use_download_button": False,  # of a page's source
}

# The addresses of the repository, for a button, and of the site, once there are any
if repository := os.environ.get("DOCS_REPOSITORY_URL"):
    html_theme_options |= {"repository_url": repository, "use_repository_button": True}
html_baseurl = os.environ.get("DOCS_BASE_URL") or os.environ.get("READTHEDOCS_CANONICAL_URL", "")


def build_package(_app: Sphinx, _config: object) -> None:
    """Build what pages offer to download."""
    subprocess.run([sys.executable, "-m", "hatchling", "build"], cwd=HERE.parent, check=True)
    for file in HERE.parent.glob("dist/*"):
        os.utime(file, (0, 0))  # or the pages that offer it would be read again each time


def prepare(app: Sphinx, _page: str, source: list[str]) -> None:
    """Fill the version in, and read the page again when something changes that it may execute."""
    source[0] = source[0].replace("VERSION", version)
    for file in [*HERE.parent.glob("src/*/*.py"), *HERE.glob("*/*.py"), *HERE.glob("*/*.json")]:
        app.env.note_dependency(str(file))


def write_formula(translator: SphinxTranslator, node: nodes.math | nodes.math_block) -> None:
    """Let the browser typeset it, and screen readers read it, without a script (Sphinx's issue 6092)."""
    alone = isinstance(node, nodes.math_block)  # on a line of its own
    formula = LatexToMathML().convert_with_local_state(node.astext(), displaystyle=alone)
    translator.body.append(f'<div class="math">{formula}</div>\n' if alone else formula)
    raise nodes.SkipNode


def write_sections(app: Sphinx, exception: Exception | None) -> None:
    """Write what the search reads: the finished pages, from each link to a heading or name to the next."""
    if exception:
        return
    sections = []
    for doc, title in sorted(app.env.titles.items()):
        page = BeautifulSoup(Path(app.outdir, f"{doc}.html").read_bytes(), "html.parser")
        words = {
            meta.get("data-section"): meta["content"] for meta in page.select("[name=keywords]")
        }
        article, links = page.article, []
        for link in article.select(".headerlink"):
            heading, anchor = link.parent, link.extract()["href"]
            name = anchor[1:] if "." in anchor else heading.get_text()  # of the API, or a heading
            keywords = words.get(anchor[1:] if links else None, "")  # or the page's
            links.append([f"{doc}.html{anchor}", title.astext(), name, keywords])
            heading.replace_with("\0")
        for code in article.select("pre"):
            code.string = code.get_text().replace("\n", "\n\n")  # a line of code is a sentence
        texts = article.get_text().split("\0")[1:]  # nothing stands before the first heading
        sections += [[*section, text] for section, text in zip(links, texts, strict=True)]
    english = IndexBuilder(app.env, "en", {}, "")  # Sphinx's stemmer and stop words
    stop = f"const STOPWORDS = {json.dumps(' '.join(sorted(english.lang.stopwords)))};"
    known = f"{english.get_js_stemmer_code()}\n{stop}\nconst SECTIONS = {json.dumps(sections)};"
    Path(app.outdir, "_static/sections.js").write_text(known, "utf-8")


def setup(app: Sphinx) -> None:
    """Read what has changed, write math as MathML, and search in sections, in place of Sphinx's own."""
    packages = sorted(f"{package.name} {package.version}" for package in distributions())
    app.add_config_value("packages", packages, "env")  # others, and all pages are read again
    app.connect("config-inited", build_package)
    app.connect("source-read", prepare)
    app.connect("build-finished", write_sections)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    StandaloneHTMLBuilder.search = False
