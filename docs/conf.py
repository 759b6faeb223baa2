"""The site. Every notebook and figure is executed by this build, and nothing is fetched by it."""

import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from docutils import nodes
from math_core import LatexToMathML
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator

import relugrad

HERE = Path(__file__).parent
DOWNLOADS = HERE / "downloads"

# Where this process finds our extensions, and `spiking`, which autodoc documents
sys.path.insert(0, str(DOWNLOADS))
sys.path.insert(0, str(HERE / "_extensions"))

# What the kernels of notebooks get: `evidence` and `spiking`, `printed()`, and the look of figures
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(DOWNLOADS)])
os.environ["PYTHONSTARTUP"] = str(HERE / "evidence/printed.py")
os.environ["MATPLOTLIBRC"] = str(HERE)
os.environ["OMP_NUM_THREADS"] = "1"  # as several run at a time

project = "relugrad"
html_title = project
copyright = "2026, the relugrad developers"
version = relugrad.__version__
release = version

# A tag of Sphinx, by which pages and downloads know what to install
citation = (HERE.parent / "CITATION.cff").read_text("utf-8")
if "date-released" in citation:
    tags.add("released")  # noqa: F821
else:
    tags.add("unreleased")  # noqa: F821

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_autodoc_typehints",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    "matplotlib.sphinxext.plot_directive",
    "myst_nb",
    "sphinx_markdown_builder",
    "notebooks",  # these two are ours
    "sections",
]
exclude_patterns = ["_build", "reports"]  # downloads
nitpicky = True
highlight_language = "output"  # a block that does not name its language is not Python

napoleon_use_rtype = False  # a type stands beside what is returned
typehints_document_rtype = False
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

plot_include_source = True
plot_formats = [("png", 110), ("hires.png", 220), ("pdf", 110)]  # each is linked above its figure

html_theme = "sphinx_book_theme"
html_math_renderer = "mathml"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["relugrad.css"]
html_favicon = "_static/triangle.svg"
html_logo = html_favicon
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
repository = os.environ.get("DOCS_REPOSITORY_URL")
if repository:
    html_theme_options["repository_url"] = repository
    html_theme_options["use_repository_button"] = True
html_baseurl = os.environ.get("DOCS_BASE_URL") or os.environ.get("READTHEDOCS_CANONICAL_URL", "")


def build_package(_app: Sphinx, _config: object) -> None:
    """Build what pages offer to download."""
    subprocess.run([sys.executable, "-m", "hatchling", "build"], cwd=HERE.parent, check=True)
    for file in HERE.parent.glob("dist/*"):
        os.utime(file, (0, 0))  # or the pages that offer it would be read again each time


def prepare(app: Sphinx, _page: str, source: list[str]) -> None:
    """Fill the version in, and read the page again when something changes that it may execute."""
    source[0] = source[0].replace("VERSION", version)
    package = HERE.parent.glob("src/*/*.py")
    scripts, records = HERE.glob("*/*.py"), HERE.glob("*/*.json")
    for file in [*package, *scripts, *records]:
        app.env.note_dependency(str(file))


def write_formula(translator: SphinxTranslator, node: nodes.math) -> None:
    """Let the browser typeset a formula, and screen readers read it, without a script (Sphinx's issue 6092)."""
    formula = LatexToMathML().convert_with_local_state(node.astext(), displaystyle=False)
    translator.body.append(formula)
    raise nodes.SkipNode


def write_displayed_formula(translator: SphinxTranslator, node: nodes.math_block) -> None:
    """The same for a formula on a line of its own."""
    formula = LatexToMathML().convert_with_local_state(node.astext(), displaystyle=True)
    translator.body.append(f'<div class="math">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Read what has changed, and write math as MathML."""
    packages = sorted(f"{package.name} {package.version}" for package in distributions())
    app.add_config_value("packages", packages, "env")  # others, and all pages are read again
    app.connect("config-inited", build_package)
    app.connect("source-read", prepare)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_displayed_formula, None))
