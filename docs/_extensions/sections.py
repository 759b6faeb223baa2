"""What the site's search reads: the text of each section, of each name of the API, and of each term."""

import json
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx
from sphinx.search import IndexBuilder


def keywords_of(page: BeautifulSoup) -> dict[str | None, str]:
    """The keywords of the page, under None, and those of its sections, under their anchors."""
    tags = page.select("meta[name=keywords]")
    return {tag.get("data-section"): str(tag["content"]) for tag in tags}


def text_of(part: Tag) -> str:
    """The text, with a blank line after each line of code, which counts as a sentence of its own."""
    for code in part.select("pre"):
        code.string = code.get_text().replace("\n", "\n\n")
    return part.get_text()


def parts_of(article: Tag) -> Iterator[tuple[str, str, str]]:
    """The anchor, the name and the text of each part of a page, the innermost parts first.

    A part leaves the page when it has been read, so that its text isn't that of what it is in.
    """
    for link in article.select(".headerlink, .viewcode-link"):  # signs beside headings and names
        link.extract()
    for term in reversed(article.select("dl.glossary > dt")):
        definition = term.find_next_sibling("dd")  # which terms that mean the same share
        yield term["id"], term.get_text(), text_of(definition)
    for glossary in article.select("dl.glossary"):
        glossary.extract()
    for entry in reversed(article.select("dl.py")):
        name = entry.dt.extract()
        yield name["id"], name["id"], f"{name.get_text()}\n\n{text_of(entry.extract())}"
    for section in reversed(article.select("section")):
        heading = section.find(["h1", "h2", "h3", "h4"]).extract()
        yield section["id"], heading.get_text(), text_of(section.extract())


def write_sections(app: Sphinx, exception: Exception | None) -> None:
    """Write them to a script, together with Sphinx's stemmer and stop words."""
    if exception:
        return
    sections = []
    for name, title in sorted(app.env.titles.items()):
        page = BeautifulSoup(Path(app.outdir, f"{name}.html").read_bytes(), "html.parser")
        keywords = keywords_of(page)
        parts = [*parts_of(page.article)][::-1]
        first, *_ = parts[0]  # the section that has the whole page
        for anchor, heading, text in parts:
            words = keywords.get(None if anchor == first else anchor, "")
            sections.append([f"{name}.html#{anchor}", title.astext(), heading, words, text])
    english = IndexBuilder(app.env, "en", {}, "")
    stop_words = " ".join(sorted(english.lang.stopwords))
    script = [
        english.get_js_stemmer_code(),
        f"const STOP_WORDS = {json.dumps(stop_words)};",
        f"const SECTIONS = {json.dumps(sections)};",
    ]
    Path(app.outdir, "_static/sections.js").write_text("\n".join(script), "utf-8")


def leave_out_sphinx_search(app: Sphinx) -> None:
    """Don't write the index of Sphinx's own search."""
    app.builder.search = False


def setup(app: Sphinx) -> dict[str, bool]:
    """Write what is searched, in place of Sphinx's own index."""
    app.connect("builder-inited", leave_out_sphinx_search)
    app.connect("build-finished", write_sections)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
