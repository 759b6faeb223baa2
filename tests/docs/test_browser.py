"""The built site in Chromium: what a reader copies is what is shown, and nothing is out of order."""

import functools
import gzip
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import jax
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from relugrad import ReluGrad

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, or one by another name: none is downloaded."""
    names = ["chromium", "chromium-browser", "google-chrome"]
    executable = next(filter(None, map(shutil.which, names)), None)
    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    return browser_type_launch_args | {"executable_path": executable, "args": arguments}


@pytest.fixture(scope="session")
def base_url(site: Path) -> Iterator[str]:
    """Where the site is served, for this file and for pytest-playwright."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=site)
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

    def look(self, scheme: Literal["light", "dark"], viewport: ViewportSize = WIDE) -> None:
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
    with browser.new_context(viewport=WIDE) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield Visit(name, context.new_page(), base_url)


COPY = """async () => {
  const copied = [];
  for (const button of document.querySelectorAll("button.copybtn")) {
    for (const label of document.querySelectorAll(".sd-tab-set > label")) {
      if (label.nextElementSibling.contains(button)) label.click();
    }
    await navigator.clipboard.writeText("nothing was copied");
    button.click();
    copied.push([
      button.parentElement.querySelector("pre").textContent,
      await navigator.clipboard.readText(),
    ]);
  }
  return copied;
}"""


def test_what_is_copied_is_the_code_that_is_shown(visit: Visit) -> None:
    """Each copy button yields the code of the block, without prompts and outputs, and no other."""
    visit.look("light")
    blocks = visit.tab.locator("[class*='highlight-']:not(.output) > .highlight > pre").count()
    copied = visit.tab.evaluate(COPY)
    assert len(copied) == blocks
    for shown, text in copied:
        lines = [line for line in shown.splitlines() if re.match(r">>>|\.\.\.", line)]
        source = "\n".join(line[4:] for line in lines) if lines else shown
        assert text.strip() == source.strip()


# One page of each kind: what differs in the dark are colours, which the style sheets share.
DARK = ["index.html", "reference/relugrad.html", "tutorials/quickstart.html", "how-to/choose.html"]


def test_axe(visit: Visit) -> None:
    """All rules of axe-core."""
    # Preloading would fetch style sheets once more, and an imported one from a wrong address.
    options = {"resultTypes": ["violations"], "preload": False}
    schemes: list[Literal["light", "dark"]] = ["light", "dark"]
    for scheme in schemes[: 2 if visit.name in DARK else 1]:
        visit.look(scheme)
        assert [
            f"{violation['id']}: {node['html']} {node['failureSummary']}"
            for violation in Axe().run(visit.tab, options=options).response["violations"]
            for node in violation["nodes"]
        ] == []


FIND_WIDE = """() => [document.scrollingElement, ...document.querySelectorAll("body, body *")]
  .filter((e) => !e.closest("pre, table") && e.checkVisibility())
  .filter((e) => {
    const scrolls = !e.querySelector(":scope > table, :scope > div > table")
      && ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
    const wider = e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1;
    const outside = e.closest("article") && e.getBoundingClientRect().right > innerWidth + 1;
    return (scrolls || e === document.scrollingElement) && wider || outside;
  })
  .map((e) => e.outerHTML.slice(0, 300))
"""


def test_phone(visit: Visit) -> None:
    """At a width of 390 pixels nothing scrolls sideways but code and tables, and nothing is cut off."""
    visit.look("light", PHONE)
    assert visit.tab.evaluate(FIND_WIDE) == []


def test_light_quiet_and_from_one_host(visit: Visit, base_url: str, site: Path) -> None:
    """What is loaded is below 1 MB as a host compresses it, 2 MB with the explorer; no complaint."""
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith((base_url, "data:"))] == []
    weight = 0
    for url in visit.loaded:
        file = site / unquote(urlsplit(url).path).lstrip("/")
        is_text = file.suffix in {".html", ".css", ".js", ".json", ".svg"}
        content = file.read_bytes() if file.is_file() else b""
        weight += len(gzip.compress(content, 6) if is_text else content)
    assert weight < (2e6 if visit.name == "index.html" else 1e6)


@pytest.fixture
def landing(page: Page, base_url: str) -> Page:
    """A tab with the landing page."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.set_viewport_size(WIDE)
    page.goto(f"{base_url}index.html", wait_until="networkidle")
    return page


def test_the_sidebar_shows_where_you_are(landing: Page, base_url: str) -> None:
    """The entry of the last page is seen, although the sidebar was at its top on the page before."""
    landing.goto(f"{base_url}reference/changelog.html", wait_until="networkidle")
    box = landing.locator(".bd-docs-nav .active > a").last.bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= WIDE["height"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("width", "reference/relugrad.html"),
        ("custom_vjp", "explanation/custom-vjp.html"),
        ("forward mode", "how-to/forward-mode.html"),
        ("can't apply forward-mode autodiff (jvp) to", "reference/error-messages.html"),
    ],
)
def test_search_finds(words: str, expected: str, landing: Page, base_url: str) -> None:
    """Type into the search field, and find the page among the first five results."""
    landing.keyboard.press("Control+k")
    landing.keyboard.type(words)
    landing.keyboard.press("Enter")
    landing.wait_for_url("**/search.html?*")
    landing.locator(".search-summary", has_text="Search finished").wait_for()
    found = landing.locator("#search-results li a").evaluate_all("(all) => all.map((a) => a.href)")
    assert base_url + expected in [result.split("?")[0].split("#")[0] for result in found][:5]


def _said(landing: Page) -> dict[str, float]:
    outputs = landing.locator(".explorer output").all()
    return {str(o.get_attribute("name")): float(o.inner_text()) for o in outputs}


@pytest.mark.parametrize("slider", ["alpha", "width"])
def test_explorer_by_keyboard(slider: str, landing: Page) -> None:
    """The Tab key reaches the slider, the arrow keys move it, and what is said and drawn follows."""
    for _ in range(80):
        landing.keyboard.press("Tab")
        if landing.evaluate("document.activeElement.id") == f"explorer-{slider}":
            break
    drawn = landing.locator(".explorer").screenshot()
    for _ in range(5):
        landing.keyboard.press("ArrowRight")
    landing.wait_for_timeout(200)
    said = _said(landing)
    spike = ReluGrad(said["alpha"], said["width"])
    assert said[slider] == pytest.approx({"alpha": 0.8, "width": 1.5}[slider])
    assert said["peak"] == pytest.approx(float(spike.surrogate_grad(0.0)), abs=0.005)
    assert said["area"] == pytest.approx(float(spike.surrogate_fun(9.0)), abs=5e-4)
    assert landing.locator(".explorer").screenshot() != drawn
    landing.locator(".explorer button.copybtn").click()
    copied = landing.evaluate("navigator.clipboard.readText()")
    assert eval(copied.removeprefix("spike = ")) == spike
    landing.locator(".explorer button[type=reset]").press("Enter")
    landing.wait_for_timeout(200)
    said = _said(landing)
    assert ReluGrad(said["alpha"], said["width"]) == ReluGrad()


@pytest.mark.parametrize(("alpha", "width"), [(0.1, 2.0), (1.3, 0.7)])
def test_explorer_draws_the_functions(alpha: float, width: float, landing: Page) -> None:
    """The points of each curve are values of the functions."""
    landing.locator("#explorer-alpha").fill(f"{alpha:g}")
    landing.locator("#explorer-width").fill(f"{width:g}")
    data = landing.evaluate(
        """() => Object.fromEntries(Object.entries(
            Bokeh.documents[0].roots()[0].renderers[0].data_source.data
        ).map(([name, values]) => [name, Array.from(values)]))"""
    )
    x, spike = np.array(data["x"], np.float32), ReluGrad(alpha, width)
    np.testing.assert_array_equal(data["step"], spike(x))
    np.testing.assert_allclose(data["slope"], jax.vmap(jax.grad(spike))(x), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(data["integral"], spike.surrogate_fun(x), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("loads", [True, False])
def test_a_figure_stands_in_for_the_explorer(loads: bool, landing: Page) -> None:
    """One of the two is seen: without Bokeh, or without JavaScript, it is the figure."""
    if not loads:
        landing.route("**/bokeh*.js*", lambda route: route.abort())
        landing.reload()
    assert landing.locator(".explorer").is_visible() is loads
    assert landing.locator(".without-script img").is_visible() is not loads
