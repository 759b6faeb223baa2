"""The built site in Chromium: what a reader copies runs, and all that the site shows is in order.

Run by `nox -s browser`. A page of the documentation is tested as soon as it is there.
"""

import contextlib
import doctest
import functools
import gzip
import http.server
import io
import json
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import jax
import nbformat
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, ViewportSize, sync_playwright

from relugrad import ReluGrad

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[2] / "docs"
SOURCES = [source.relative_to(DOCS) for source in DOCS.rglob("*.md")]
PAGES = [
    *sorted(s.with_suffix("").as_posix() for s in SOURCES if not s.parts[0].startswith("_")),
    "404",
    "genindex",
    "search",
]
RECORDED = {
    network["source"].strip()
    for network in json.loads((DOCS / "_data/peers.json").read_text("utf-8"))["networks"].values()
}
WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or one by another name."""
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop(f"none of {', '.join(names)} is installed")
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    arguments += ["--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=executable, args=arguments)


class Site(NamedTuple):
    """A folder, and the address at which it is served."""

    folder: Path
    address: str

    def weight(self, url: str) -> int:
        """The bytes that a host sends, which compresses all that is text."""
        file = self.folder / unquote(urlsplit(url).path).lstrip("/")
        content = file.read_bytes()
        is_text = file.suffix in {".html", ".css", ".js", ".json", ".svg"}
        return len(gzip.compress(content, 6) if is_text else content)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(chromium: Browser, build: Path) -> Iterator[Site]:
    """The site as a host serves it."""
    handler = functools.partial(_Quiet, directory=build / "html")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Site(build / "html", f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()


class Visit:
    """A page of the site in a tab, with all that the tab says and asks for from then on."""

    def __init__(self, name: str, tab: Page, site: Site) -> None:
        self.name, self.tab = name, tab
        self.complaints: list[str] = []
        self.requests: list[str] = []
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        tab.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        tab.on("console", self._hear)
        tab.goto(f"{site.address}{name}.html", wait_until="networkidle")
        self.loaded = set(self.requests)

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location})")

    def look(self, scheme: Any, viewport: ViewportSize = WIDE) -> None:
        """See the page in light or dark, on a desk or on a phone, with all that unfolds unfolded."""
        self.tab.emulate_media(color_scheme=scheme)
        self.tab.set_viewport_size(viewport)
        self.tab.mouse.move(0, 0)
        self.tab.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        self.tab.wait_for_selector(f"html[data-theme={scheme}]")
        self.tab.wait_for_function("document.getAnimations().length === 0")

    def figures(self) -> list[Locator]:
        """The figures that can be seen."""
        return self.tab.locator("article :is(img, [role=img]):visible").all()


@pytest.fixture(scope="module", params=PAGES)
def visit(request: pytest.FixtureRequest, chromium: Browser, site: Site) -> Iterator[Visit]:
    """Each page, once for all tests of it."""
    with chromium.new_context(viewport=WIDE) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield Visit(request.param, context.new_page(), site)


@pytest.fixture(autouse=True)
def _cell_of_the_table(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """Tell the table at the end which page and which check a test is."""
    if "visit" in request.fixturenames:
        record_property("page", request.getfixturevalue("visit").name)
        record_property("check", request.function.__name__.removeprefix("test_"))


class Block(NamedTuple):
    """A block of code as the page shows it, with what the page says that it puts out."""

    language: str
    is_cell: bool
    varies: bool
    text: str
    printed: str
    figures: int

    @property
    def source(self) -> str:
        """The code alone."""
        return "".join(e.source for e in self.examples) if self.examples else self.text

    @property
    def output(self) -> str:
        """What it prints, and the values and errors that a prompt answers with."""
        if not self.examples:
            return self.printed
        # Python names an exception with its module, and Jupyter without.
        return "".join(
            re.sub(r"^(\w+\.)+", "", e.exc_msg) if e.exc_msg else e.want for e in self.examples
        )

    @property
    def examples(self) -> list[doctest.Example]:
        """The lines with prompts, if there are any."""
        return doctest.DocTestParser().get_examples(self.text)


FIND_BLOCK = """(button) => {
  const block = button.closest("[class*='highlight-']");
  const cell = block.closest(".cell");
  const outputs = [...(cell?.querySelector(".cell_output")?.children ?? [])];
  let figures = outputs.filter((output) => !output.querySelector("pre")).length;
  for (let next = block.nextElementSibling; !cell && next; next = next.nextElementSibling) {
    if (next.querySelector("pre")) break;
    figures += next.querySelectorAll("img.plot-directive").length;
  }
  return {
    language: block.className.match(/highlight-(\\w+)/)[1],
    is_cell: Boolean(cell),
    varies: Boolean(cell?.classList.contains("tag_varies")),
    text: block.querySelector("pre").textContent,
    printed: outputs.map((output) => output.querySelector("pre")?.textContent ?? "").join(""),
    figures,
  };
}"""


def copy(visit: Visit, button: Locator) -> str:
    """What the clipboard holds after a click on the button."""
    visit.tab.evaluate("navigator.clipboard.writeText('nothing was copied')")
    button.click()
    return str(visit.tab.evaluate("navigator.clipboard.readText()"))


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}


@contextlib.contextmanager
def fresh_kernel(folder: Path) -> Generator[Callable[[str], list[Any]]]:
    """A function that runs a cell in a Jupyter kernel, and returns its outputs."""
    notebook = new_notebook()  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=300, allow_errors=True, shutdown_kernel="immediate", resources=resources
    )

    def run(source: str) -> list[Any]:
        notebook.cells.append(new_code_cell(source))  # type: ignore[no-untyped-call]
        return list(client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1).outputs)

    with client.setup_kernel(env=ENVIRONMENT):
        yield run


def text_of(outputs: list[Any]) -> str:
    """What a cell printed, its values and its error; a page doesn't show the standard error."""
    parts = []
    for output in outputs:
        if output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}\n")
        elif output.output_type == "stream":
            parts.append(output.text if output.name == "stdout" else "")
        elif not is_rich(output):
            parts.append(output.data["text/plain"] + "\n")
    return "".join(parts)


def is_rich(output: Any) -> bool:
    """Whether it is a figure, or anything else that is more than text."""
    return bool(set(output.get("data", {})) - {"text/plain"})


def normal(text: str, varies: bool) -> str:
    """Without white space at the ends of lines.

    A cell tagged `varies` prints times and the like: it has to print the same words, and numbers in
    the same places. Their values, and the spaces that align them, may be others in each run.
    """
    if varies:
        return " ".join(re.sub(r"\d[\d.,]*(e[+-]?\d+)?", "#", text).split())
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_copied(visit: Visit, record_property: Callable[[str, object], None]) -> None:
    """Click each copy button, paste into a fresh kernel, run: it puts out what the page shows.

    The cells of a notebook page share a namespace; any other block starts in an empty one, and the
    kernel then shows the value of each expression, as a prompt does. Commands for a shell are
    copied and not run; so are the scripts that need other libraries and were run by `nox -s peers`.
    """
    visit.look("light")
    buttons = visit.tab.locator("button.copybtn").all()
    assert len(buttons) == visit.tab.locator(":not(.output) > .highlight > pre").count()
    blocks = [Block(**button.evaluate(FIND_BLOCK)) for button in buttons]
    copied = [copy(visit, button) for button in buttons]
    for block, text in zip(blocks, copied, strict=True):
        assert text.strip() == block.source.strip()
        assert not re.search(r"^(>>>|\.\.\.|\$|In \[)", text, re.MULTILINE)

    kinds = [
        "sh" if block.language == "sh" else "recorded" if text.strip() in RECORDED else "run"
        for block, text in zip(blocks, copied, strict=True)
    ]
    counts = Counter(kinds)
    others = [f", {counts[kind]} {kind}" for kind in ("sh", "recorded") if counts[kind]]
    record_property("found", f"{counts['run']} run{''.join(others)}")
    if not counts["run"]:
        return
    with fresh_kernel((DOCS / visit.name).parent) as run:
        for block, text, kind in zip(blocks, copied, kinds, strict=True):
            if kind != "run":
                continue
            if not block.is_cell:
                run("%reset -f\nget_ipython().ast_node_interactivity = 'all'")
            outputs = run(text)
            assert normal(text_of(outputs), block.varies) == normal(block.output, block.varies)
            assert sum(map(is_rich, outputs)) == block.figures


def test_notebook(
    visit: Visit, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """It runs from top to bottom in a fresh kernel and an empty folder, with the same outputs."""
    links = visit.tab.locator("article a.download[href$='.ipynb']").all()
    notebooks = {link.get_attribute("href"): link for link in links}  # a page may link twice
    for link in notebooks.values():
        with visit.tab.expect_download() as download:
            link.click()
        shown = nbformat.read(download.value.path(), as_version=4)  # type: ignore[no-untyped-call]
        again = nbformat.read(download.value.path(), as_version=4)  # type: ignore[no-untyped-call]
        resources = {"metadata": {"path": str(tmp_path)}}
        NotebookClient(again, timeout=300, resources=resources).execute(env=ENVIRONMENT)
        for before, after in zip(shown.cells, again.cells, strict=True):
            if before.cell_type == "code":
                varies = "varies" in before.metadata.get("tags", [])
                was, now = before.outputs, after.outputs
                assert normal(text_of(now), varies) == normal(text_of(was), varies)
                assert sum(map(is_rich, now)) == sum(map(is_rich, was))
    record_property("found", len(notebooks))


@pytest.fixture
def violations(visit: Visit) -> Callable[[str], list[str]]:
    """A function that looks at the page in light or dark, and lists what axe-core objects to."""

    def find(scheme: str) -> list[str]:
        visit.look(scheme)
        # Preloading would fetch style sheets once more, and an imported one from a wrong address.
        options = {"resultTypes": ["violations"], "preload": False}
        return [
            f"{violation['id']}: {node['html']} {node['failureSummary']}"
            for violation in Axe().run(visit.tab, options=options).response["violations"]
            for node in violation["nodes"]
        ]

    return find


def test_axe_light(violations: Callable[[str], list[str]]) -> None:
    """All rules of axe-core."""
    assert violations("light") == []


def test_axe_dark(violations: Callable[[str], list[str]]) -> None:
    """The same again, for colors are others in the dark."""
    assert violations("dark") == []


FIND_WIDE = """() => [document.scrollingElement, ...document.querySelectorAll("body, body *")]
  .filter((e) => !e.closest("pre") && e.checkVisibility())
  .filter((e) => {
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
    const wider = e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1;
    const outside = e.closest("article") && e.getBoundingClientRect().right > innerWidth + 1;
    return (scrolls || e === document.scrollingElement) && wider || outside;
  })
  .map((e) => e.outerHTML.slice(0, 300))
"""


def test_phone(visit: Visit) -> None:
    """At a width of 390 pixels nothing scrolls sideways but code, and nothing is cut off."""
    visit.look("light", PHONE)
    assert visit.tab.evaluate(FIND_WIDE) == []


def test_described(visit: Visit, record_property: Callable[[str, object], None]) -> None:
    """Each figure is there, and its description says in words what it shows."""
    visit.look("light")
    figures = visit.figures()
    for figure in figures:
        described = figure.get_attribute("alt") or figure.get_attribute("aria-label") or ""
        assert len(re.findall(r"[A-Za-z]+", described)) >= 8, described
        assert not re.search(r"\.(png|svg|jpe?g)\b", described)
        assert figure.evaluate("(e) => e.tagName !== 'IMG' || e.naturalWidth > 0")
    record_property("found", len(figures))


def luminance(visit: Visit, scheme: str) -> list[np.ndarray]:
    """How light each pixel of each figure is, from 0 to 255."""
    visit.look(scheme)
    screenshots = [Image.open(io.BytesIO(figure.screenshot())) for figure in visit.figures()]
    return [np.asarray(screenshot.convert("L"), float) for screenshot in screenshots]


def test_dark_figures(visit: Visit, record_property: Callable[[str, object], None]) -> None:
    """In the dark no figure is a white box, and what was dark on white is light on black."""
    on_white, on_black = luminance(visit, "light"), luminance(visit, "dark")
    for white, black in zip(on_white, on_black, strict=True):
        ink_on_white, ink_on_black = np.mean(white.max() - white), np.mean(black - black.min())
        assert 0.6 < ink_on_black / ink_on_white < 1.4  # little: dark on dark; much: a white box
    record_property("found", len(on_black))


def test_weight(visit: Visit, site: Site, record_property: Callable[[str, object], None]) -> None:
    """All that the page loads, compressed: below 1 MB, and 2 MB where the explorer is."""
    weight = sum(site.weight(url) for url in visit.loaded if url.startswith(site.address))
    record_property("found", f"{weight / 1e3:.0f} kB")
    assert weight < (2e6 if visit.name == "index" else 1e6)


def test_quiet(visit: Visit, site: Site) -> None:
    """In all of this no error or warning, and no request to another host."""
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith((site.address, "data:"))] == []


def test_every_page_is_tested(site: Site) -> None:
    """What Sphinx wrote is what the tests above visited, but for the theme's own files."""
    written = {page.relative_to(site.folder) for page in site.folder.rglob("*.html")}
    pages = {p.with_suffix("").as_posix() for p in written if p.parts[0] != "_static"}
    assert pages == set(PAGES)


@pytest.fixture
def tab(chromium: Browser, site: Site) -> Iterator[Page]:
    """A tab with the landing page."""
    with chromium.new_context(viewport=WIDE) as context:
        tab = context.new_page()
        tab.goto(f"{site.address}index.html", wait_until="networkidle")
        yield tab


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("custom_vjp", "explanation/custom-vjp.html"),
        ("forward mode", "how-to/forward-mode.html"),
        (
            "can't apply forward-mode autodiff (jvp) to a custom_vjp function",
            "how-to/forward-mode.html",
        ),
    ],
)
def test_search_finds(words: str, expected: str, tab: Page, site: Site) -> None:
    """Type into the search field, and find the page among the results."""
    tab.keyboard.press("Control+k")
    tab.keyboard.type(words)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search.html?*")
    tab.locator(".search-summary", has_text="Search finished").wait_for()
    results = tab.locator("#search-results li a").evaluate_all("(all) => all.map((a) => a.href)")
    assert site.address + expected in {result.split("?")[0].split("#")[0] for result in results}


def _numbers(tab: Page) -> dict[str, float]:
    """What the explorer says."""
    outputs = tab.locator(".explorer output").all()
    return {str(o.get_attribute("name")): float(o.inner_text()) for o in outputs}


def test_explorer_by_keyboard(tab: Page) -> None:
    """The Tab key reaches both sliders, the arrow keys move them, and numbers and curves follow."""
    seen = {}
    for _ in range(80):
        tab.keyboard.press("Tab")
        name = str(tab.evaluate("document.activeElement.id")).removeprefix("explorer-")
        if name in ("alpha", "width"):
            before, drawn = _numbers(tab), tab.locator(".explorer").screenshot()
            tab.keyboard.press("ArrowRight")
            tab.keyboard.press("ArrowRight")
            after = _numbers(tab)
            tab.wait_for_timeout(200)
            assert after[name] == pytest.approx(before[name] + 0.2)
            surrogate = ReluGrad(after["alpha"], after["width"])
            assert after["peak"] == pytest.approx(float(surrogate.surrogate_grad(0.0)), abs=0.005)
            assert after["area"] == pytest.approx(float(surrogate.surrogate_fun(9.0)), abs=5e-4)
            assert tab.locator(".explorer").screenshot() != drawn
            seen[name] = after
    assert list(seen) == ["alpha", "width"]


@pytest.mark.parametrize("alpha", [0.1, 0.3, 1.3, 2.0])
@pytest.mark.parametrize("width", [0.1, 0.7, 1.0, 2.0])
def test_explorer_shows_the_functions(alpha: float, width: float, tab: Page) -> None:
    """The points of each curve are values of the functions."""
    tab.locator("#explorer-alpha").fill(f"{alpha:g}")
    tab.locator("#explorer-width").fill(f"{width:g}")
    shown = tab.evaluate(
        """() => Bokeh.documents[0].roots().map((panel) => {
            const { data } = panel.renderers[0].data_source;
            return [panel.name, Array.from(data.x), Array.from(data[panel.name])];
        })"""
    )
    spike = ReluGrad(alpha, width)
    functions: dict[str, Any] = {
        "step": spike,
        "slope": jax.vmap(jax.grad(spike)),
        "integral": spike.surrogate_fun,
    }
    assert [name for name, _, _ in shown] == list(functions)
    for name, x, y in shown:
        expected = functions[name](np.asarray(x, np.float32))
        np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)
        assert len(x) > 100


def test_explorer_replaces_the_static_figure(tab: Page) -> None:
    """One of the two is seen: the explorer."""
    assert tab.locator(".explorer").is_visible()
    assert not tab.locator("article .cell_output img").first.is_visible()


@pytest.mark.parametrize("missing", ["JavaScript", "Bokeh"])
def test_static_figure_stands_in_for_the_explorer(
    missing: str, chromium: Browser, site: Site
) -> None:
    """Without JavaScript, or when Bokeh can't be loaded."""
    with chromium.new_context(java_script_enabled=missing != "JavaScript") as context:
        context.route("**/bokeh*.js*", lambda route: route.abort())
        tab = context.new_page()
        tab.goto(f"{site.address}index.html")
        assert tab.locator("article .cell_output img").first.is_visible()
        assert not tab.locator(".explorer").is_visible()
