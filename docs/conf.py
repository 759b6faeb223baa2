"""The site. Every cell and figure is executed by this build, and nothing is fetched by it."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jax.typing import ArrayLike

import relugrad

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))
os.environ.pop("MPLBACKEND", None)  # would keep the figures from appearing in the notebooks
os.environ["MATPLOTLIBRC"] = str(HERE)  # one look for the notebooks' kernels and for plot_directive

project = "relugrad"
author = "the relugrad developers"
copyright = "2026, the relugrad developers"
version = release = relugrad.__version__
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx_autodoc_typehints",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    "matplotlib.sphinxext.plot_directive",
    "myst_nb",
    "mathml",
    "machine_readable",
    "notfound.extension",
    "sphinx_llm.txt",
    "explorer",
    "literature",
    "streams",
]
exclude_patterns = ["_build"]
nitpicky = True
highlight_language = "none"  # a block that does not name its language is not Python

# Docstrings
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
typehints_defaults = None
typehints_use_rtype = False
suppress_warnings = ["config.cache"]  # older Sphinx: the formatter below can't be pickled


def typehints_formatter(annotation: Any, _config: Any) -> str | None:
    """Link to ArrayLike by its name: it is a union, and would be spelled out."""
    return ":py:data:`~jax.typing.ArrayLike`" if annotation == ArrayLike else None


# Links to other projects, from the inventories in this repository: `nox -s inventories` renews them
intersphinx_mapping = {
    "jax": ("https://docs.jax.dev/en/latest/", "_inventories/jax.txt"),
    "python": ("https://docs.python.org/3/", "_inventories/python.txt"),
}

# Pages
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"  # of this build alone: the Markdown is made of the same outputs
nb_execution_cache_path = os.environ.get("NOTEBOOK_CACHE", "")
if not nb_execution_cache_path:
    nb_execution_cache_path = os.environ["NOTEBOOK_CACHE"] = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, nb_execution_cache_path, ignore_errors=True)
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "remove"  # progress bars
nb_ipywidgets_js = {}  # would be loaded from another host
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_selector = "div:not(.output) > div.highlight > pre"  # code, and not what it printed

# Literature
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"

# Figures
plot_html_show_source_link = True
plot_html_show_formats = True
plot_include_source = True

# HTML
html_theme = "sphinx_book_theme"
html_title = "relugrad"
html_math_renderer = "mathml"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["relugrad.css"]
html_favicon = "_static/triangle.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system has it
html_theme_options = {
    "footer_content_items": ["copyright.html"],
    "navbar_persistent": [],
    "show_toc_level": 2,
}

# The address, once the site has one: what hosts it says so. Without one there is no sitemap.
if address := os.environ.get("DOCS_BASE_URL") or os.environ.get("READTHEDOCS_CANONICAL_URL"):
    html_baseurl = address.rstrip("/") + "/"  # the canonical address of each page starts with it
    extensions.append("sphinx_sitemap")
    sitemap_url_scheme = "{link}"
notfound_urls_prefix = urlsplit(globals().get("html_baseurl", "")).path or "/"

# Each page as Markdown too, and llms.txt, which lists them
llms_txt_description = "The ReLU surrogate gradient for spiking neural networks in JAX."
llms_txt_build_parallel = False  # from what was read and executed for the HTML
llms_txt_nested_enabled = False  # one index is enough
llms_txt_suffix_mode = "replace"  # page.html is page.md
nb_mime_priority_overrides = [
    ("llms-markdown", kind, rank) for rank, kind in enumerate(["image/png", "text/plain"])
]
