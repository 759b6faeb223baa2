"""The built site in Chromium: what a reader copies is what is shown, and nothing is out of order."""

import functools
import gzip
import re
import shutil
import threading
import time
import tomllib
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jax
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.docs.blocks import SITE

from relugrad import relu_grad

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, or one by another name: none is downloaded."""
    browsers = filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"]))
    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    return browser_type_launch_args | {"executable_path": next(browsers), "args": arguments}


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """Where the site is served, for this file and for pytest-playwright."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=SITE)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Visit:
    """A page of the site in a tab, with all that the tab says and asks for from then on."""

    def __init__(self, name: str, tab: Page, base_url: str) -> None:
        self.name, self.tab = name, tab
        self.complaints: list[str] = []
        self.requests: list[str] = []
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        tab.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        tab.on("console", self._hear)
        tab.goto(base_url + name, wait_until="networkidle")
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


@pytest.fixture(scope="module")
def visit(name: str, browser: Browser, base_url: str) -> Iterator[Visit]:
    """Each page, once for all tests of it."""
    permissions = ["clipboard-read", "clipboard-write"]
    with browser.new_page(viewport=WIDE, permissions=permissions) as tab:
        yield Visit(name, tab, base_url)


def test_what_is_copied_is_the_code_that_is_shown(visit: Visit) -> None:
    """Each copy button yields the code of the block, without prompts and outputs, and no other."""
    visit.look("light")
    buttons = visit.tab.locator("button.copybtn")
    code = "[class*='highlight-']:not(.output) > .highlight > pre"
    assert buttons.count() == visit.tab.locator(code).count()
    for button in buttons.all():
        visit.tab.evaluate("navigator.clipboard.writeText('nothing was copied')")
        button.dispatch_event("click")
        text = visit.tab.evaluate("navigator.clipboard.readText()")
        shown = button.locator("xpath=../pre").text_content() or ""
        lines = [line for line in shown.splitlines() if re.match(r">>>|\.\.\.", line)]
        source = "\n".join(line[4:] for line in lines) if lines else shown
        assert text.strip() == source.strip()


def _violations(tab: Page) -> list[str]:
    # Preloading would fetch style sheets once more, and an imported one from a wrong address.
    ran = Axe().run(tab, options={"resultTypes": ["violations"], "preload": False})
    return [str(violation) for violation in ran.response["violations"]]


def test_axe(visit: Visit) -> None:
    """All rules of axe-core."""
    for scheme in ["light", "dark"]:
        visit.look(scheme)
        assert _violations(visit.tab) == []


FIND_WIDE = """() => [document.scrollingElement, ...document.querySelectorAll("body, body *")]
  .filter((e) => !e.closest("pre, .pst-scrollable-table-container, .text_html"))
  .filter((e) => e.checkVisibility())
  .filter((e) => {
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
    const wider = e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1;
    const outside = e.closest("article") && e.getBoundingClientRect().right > innerWidth + 1;
    const cut = e.matches(".prev-next-area a");
    return (scrolls || cut || e === document.scrollingElement) && wider || outside;
  })
  .map((e) => e.outerHTML.slice(0, 300))"""


FIND_CUT = """() => [...document.querySelectorAll("article [class*=highlight-] pre")]
  .filter((e) => !e.closest(".output, .cell_output"))
  .filter((e) => e.scrollWidth > e.clientWidth + 1)
  .map((e) => e.textContent)"""


def test_no_code_is_cut(visit: Visit) -> None:
    """At 1280 pixels, each line of shown code is seen without scrolling."""
    visit.look("light")
    assert visit.tab.evaluate(FIND_CUT) == []


FIND_BROKEN = """() => [...document.querySelectorAll("article table code .pre")]
  .filter((e) => !/\\s/.test(e.textContent) && e.getClientRects().length > 1)
  .map((e) => e.textContent)"""


def test_phone(visit: Visit) -> None:
    """At 390 pixels nothing is cut off but code and tables that scroll, and no name breaks."""
    visit.look("light", PHONE)
    assert visit.tab.evaluate(FIND_WIDE) + visit.tab.evaluate(FIND_BROKEN) == []


def test_light_quiet_and_from_one_host(visit: Visit, base_url: str) -> None:
    """What is loaded is below 1 MB as a host compresses it, and there is no complaint."""
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith((base_url, "data:"))] == []
    files = [SITE / unquote(urlsplit(url).path).lstrip("/") for url in visit.loaded]
    assert sum(len(gzip.compress(file.read_bytes(), 6)) for file in files if file.is_file()) < 1e6


@pytest.fixture
def landing(page: Page, base_url: str) -> Page:
    """A tab with the landing page."""
    page.goto(f"{base_url}index.html", wait_until="networkidle")
    return page


def test_on_a_phone_contents_closes_when_a_heading_is_chosen(page: Page, base_url: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{base_url}how-to/diagnose.html", wait_until="networkidle")
    page.locator("button.secondary-toggle:visible").click()
    page.locator("dialog[open] a").last.click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("section:target > :is(h2, h3)")).to_be_in_viewport()


SEARCHES = tomllib.loads(Path(__file__).with_name("searches.toml").read_text("utf-8"))


def _search(tab: Page, words: str) -> list[str]:
    """Paste the words, and see to which pages the results lead."""
    for key in ["Escape", "Control+k", "Control+a"]:
        tab.keyboard.press(key)
    tab.keyboard.insert_text(words)
    return tab.eval_on_selector_all("dialog li > a", "of => of.map(a => a.href.split('.html')[0])")


def test_search_finds(landing: Page, base_url: str) -> None:
    """The page is among the first three for 85 % of the searches, and none ends in nothing."""
    missed = []
    for page, searches in SEARCHES.items():
        assert (SITE / f"{page}.html").exists(), f"tests/docs/searches.toml: no page {page}"
        for words in searches:
            results = _search(landing, words)
            assert results, f"docs/_static/search.js finds nothing for {words!r}"
            if base_url + page not in results[:3]:
                missed.append(f"{words!r} leads to {results[:3]}, and not to {page}")
    assert len(missed) <= 0.15 * sum(map(len, SEARCHES.values())), "\n".join(missed)


def test_search_by_keyboard(landing: Page) -> None:
    """Enter leads to the section on a message, and arrows to other results, without a server, too."""
    landing.goto((SITE / "how-to/neurons.html").as_uri())
    with pytest.raises(ValueError, match="positive") as raised:
        jax.jit(lambda x: relu_grad(x, -1.0))(0.5)
    _search(landing, str(raised.getrepr(style="native")))
    landing.keyboard.press("Enter")
    expect(landing.locator(":target > h3")).to_contain_text("must be positive and finite")
    _search(landing, "adaptive threshold")
    for key in ["ArrowDown", "ArrowDown"]:
        landing.keyboard.press(key)
    second = landing.get_by_role("option").nth(1)
    expect(second).to_have_attribute("aria-selected", "true")  # what a screen reader reads
    address = second.get_attribute("href")
    box = landing.get_by_role("combobox")
    expect(box).to_have_attribute("aria-activedescendant", second.get_attribute("id") or "none")
    landing.keyboard.press("Enter")
    landing.wait_for_url(address or "none")


def test_search_keeps_words_and_stays_in_sight(landing: Page) -> None:
    """A slash opens it, its box stays above the results, and going back leads to them."""
    landing.keyboard.press("/")
    landing.keyboard.insert_text("optimizers")
    box = landing.get_by_role("combobox")
    for _ in landing.get_by_role("option").all():
        landing.keyboard.press("ArrowDown")
    expect(landing.get_by_role("option").last).to_be_in_viewport()
    expect(box).to_be_in_viewport(ratio=1)
    landing.keyboard.press("Enter")
    expect(landing.locator("dialog[open]")).to_have_count(0)
    landing.go_back()
    expect(box).to_have_value("optimizers")
    expect(landing.get_by_role("option").first).to_be_visible()


PAIRS = [("GPU", "GPUs"), ("silent neuron", "my own silent neurons")]


@pytest.mark.parametrize(("words", "others"), PAIRS)
def test_search_knows_plurals_and_small_words(words: str, others: str, landing: Page) -> None:
    assert _search(landing, words)[:2] == _search(landing, others)[:2] != []


@pytest.mark.parametrize("text", ["gradient wrong words ", "x", "a_", "qjxz vvkw "])
def test_search_is_quick(text: str, landing: Page) -> None:
    """A text of 20,000 characters freezes nothing."""
    start = time.monotonic()
    _search(landing, (20_000 * text)[:20_000])
    assert time.monotonic() - start < 2


def test_search_shows_the_sentence(landing: Page) -> None:
    """The one with most of the words, of which each counts once; and what looks like HTML as it is."""
    _search(landing, "your function in the dtype of x: asarray result sqrt")
    expect(landing.locator("dialog li").first).to_contain_text("# <- your function")
    _search(landing, "find and revive dead neurons")
    shown = landing.locator("dialog li", has_text="dead neuron").first
    expect(shown).to_contain_text("Most dead neurons either never spike or always spike; to find")
    expect(shown).not_to_contain_text("A neuron whose potential")


def _said(tab: Page, words: str) -> str:
    """What is said above the results of a search."""
    _search(tab, words)
    return tab.locator("#search-results output").inner_text()


def test_search_says_nothing_about_words_above_results_that_have_the_answer(
    landing: Page, base_url: str
) -> None:
    """Not for one search in fifty, also if words are misspelled, or no page has them."""
    needless, answered = [], 0
    for page, searches in SEARCHES.items():
        for words in searches:
            if base_url + page in _search(landing, words)[:3]:
                answered += 1
                said = landing.locator("#search-results output").inner_text()
                if not said.startswith("Pages: "):
                    needless.append(f"{words!r}: {said}")
    assert len(needless) <= 0.02 * answered, "\n".join(needless)


ABSENT = [
    "kubernetes",
    "fortran",
    "postgres",
    "hodgkin huxley",
    "docker image",
    "graph neural network",
]


@pytest.mark.parametrize("words", ABSENT)
def test_search_names_what_no_page_has(words: str, landing: Page) -> None:
    assert _said(landing, words).startswith(f"No page has “{words.split()[0]}”")


def test_search_does_not_name_a_word_that_is_only_begun(landing: Page) -> None:
    assert _said(landing, "recompil").startswith("Pages: ")


def test_search_without_results(landing: Page) -> None:
    assert _said(landing, "zzzzqqqq") == "No page has “zzzzqqqq”. Nothing found"
    expect(landing.locator("#search-results")).to_contain_text("See also all error messages")


@pytest.fixture
def texts(landing: Page) -> dict[str, str]:
    """What the search reads of each section, by its address."""
    sections: list[list[str]] = landing.evaluate("SECTIONS")
    return {address: text for address, _title, _heading, _keywords, text in sections}


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        # Above it stands a figure with a caption.
        ("tutorials/quickstart.html#a-spike-and-its-surrogate-gradient", "Call it with x"),
        # Above them stands what describes its parameters, and below them, its methods.
        ("reference/relugrad.html#relugrad.ReluGrad", "a call stores only alpha, width"),
        ("reference/relugrad.html#relugrad.ReluGrad", "A leaky neuron with a constant input."),
        # Two names for one thing
        (
            "reference/glossary.html#term-adaptive-threshold",
            "A threshold that rises with each spike",
        ),
        ("reference/glossary.html#term-ALIF", "A threshold that rises with each spike"),
    ],
)
def test_the_search_reads_a_section_under_its_own_heading(
    address: str, sentence: str, texts: dict[str, str]
) -> None:
    assert sentence in texts[address]


def test_the_search_reads_a_text_once(texts: dict[str, str]) -> None:
    """And not in the section that its section is in, too."""
    found = [address for address, text in texts.items() if "A leaky neuron with a constant" in text]
    assert found == ["reference/relugrad.html#relugrad.ReluGrad"]


@pytest.mark.parametrize(
    "message",
    [
        "No module named 'relugrad'",
        "ModuleNotFoundError: No module named 'spiking'",
        "ImportError: cannot import name 'ReluGrad' from 'relugrad'",
    ],
)
def test_the_search_finds_what_python_says_of_a_missing_package(
    message: str, landing: Page
) -> None:
    _search(landing, message)
    first = landing.get_by_role("option").first
    expect(first).to_have_attribute("id", "at:reference/errors.html#no-module-named")


def test_a_search_can_be_shared(landing: Page, page: Page) -> None:
    """Its address leads to the same results, and when the dialog is closed, to the page alone."""
    found = _search(landing, "dead neurons & reset")
    page.goto(landing.url)
    expect(page.get_by_role("combobox")).to_have_value("dead neurons & reset")
    hrefs = page.eval_on_selector_all(
        "dialog li > a", "of => of.map(a => a.href.split('.html')[0])"
    )
    assert hrefs == found
    page.keyboard.press("Escape")
    assert "?" not in page.url


@pytest.mark.parametrize(("scheme", "viewport"), [("light", WIDE), ("dark", PHONE)])
def test_search_looks(scheme: Any, viewport: ViewportSize, landing: Page) -> None:
    """As it should to axe-core and on a phone, with the words that were found."""
    landing.emulate_media(color_scheme=scheme)
    landing.set_viewport_size(viewport)
    _search(landing, "reset")
    landing.keyboard.press("ArrowDown")
    assert "reset" in landing.locator("dialog li b").all_inner_texts()
    assert _violations(landing) + landing.evaluate(FIND_WIDE) == []
