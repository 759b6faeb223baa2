"""The explorer: step, slope and integral for each alpha and width that two sliders can be put to.

JAX computes all curves when the site is built, and Bokeh draws them; the script only picks.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from bokeh.document import Document
from bokeh.embed import components
from bokeh.models import BoxAnnotation, ColumnDataSource, CustomJS, Label
from bokeh.plotting import figure
from bokeh.themes import Theme
from bokeh.util.paths import bokehjs_path
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from relugrad import ReluGrad

LIBRARY = bokehjs_path() / "js" / "bokeh.min.js"
SCRIPT = Path(__file__).with_suffix(".js")
MARKUP = Path(__file__).with_suffix(".html")

POSITIONS = np.linspace(0.1, 2.0, 20, dtype=np.float32)  # of each slider, as in explorer.html
X = np.linspace(-3, 3, 121, dtype=np.float32)  # 0 and the widths are among them
BLUE, RED, GREEN, INK = "#0072b2", "#d55e00", "#009e73", "#333333"  # as in matplotlibrc
FONT = "system-ui, sans-serif"
THEME = Theme(
    json={
        "attrs": {
            "Plot": {
                "sizing_mode": "stretch_both",
                "background_fill_color": None,
                "border_fill_color": None,
                "outline_line_color": None,
            },
            "Title": {
                "align": "center",
                "text_color": INK,
                "text_font": FONT,
                "text_font_style": "normal",
            },
            "Grid": {"visible": False},
            "Axis": {
                "axis_label_text_color": INK,
                "axis_label_text_font": FONT,
                "axis_line_color": INK,
                "major_label_text_color": INK,
                "major_label_text_font": FONT,
                "major_tick_in": 0,
                "major_tick_line_color": INK,
                "minor_tick_line_color": None,
            },
            "BasicTicker": {"desired_num_ticks": 3},
            "BoxAnnotation": {"fill_color": INK, "fill_alpha": 0.06, "line_color": None},
            "Label": {
                "text_color": INK,
                "text_font": FONT,
                "text_font_size": "13px",
                "text_font_style": "italic",
            },
        }
    }
)


def curves() -> list[list[ColumnDataSource]]:
    """What the panels show: for each alpha a list, with an entry for each width."""
    alpha, width = jnp.meshgrid(POSITIONS, POSITIONS, indexing="ij")
    functions = {
        "step": lambda spike: spike(X),
        "slope": lambda spike: jax.vmap(jax.grad(spike))(X),
        "integral": lambda spike: spike.surrogate_fun(X),
    }
    grids = {
        name: np.asarray(jax.vmap(jax.vmap(function))(ReluGrad(alpha, width)))
        for name, function in functions.items()
    }
    rows, columns = map(range, alpha.shape)
    return [
        [
            ColumnDataSource({"x": X} | {name: grid[i, j] for name, grid in grids.items()})
            for j in columns
        ]
        for i in rows
    ]


class Panel:
    """One of the three, with the support as a gray band from -w to w."""

    def __init__(self, name: str, title: str) -> None:
        self.support = BoxAnnotation(level="underlay")
        self.left = Label(x=0, y=0, text="−w ", text_align="right", text_baseline="top")
        self.right = Label(x=0, y=0, text=" w", text_align="left", text_baseline="top")
        self.plot = figure(
            name=name,
            title=title,
            tools="",
            toolbar_location=None,
            x_axis_label="x",
            x_range=(X[0].item(), X[-1].item()),
            y_range=(0, 1),
        )
        self.plot.xaxis.ticker = [-2, -1, 0, 1, 2]
        for annotation in (self.support, self.left, self.right):
            self.plot.add_layout(annotation)


def document() -> Document:
    """The panels, and the script that shows the curves in them."""
    table = curves()
    shown = ColumnDataSource(table[0][0].data)
    step, slope, integral = panels = [
        Panel("step", "forward: g(x)"),
        Panel("slope", "backward: g′(x)"),
        Panel("integral", "integral of g′(x)"),
    ]
    line = {"source": shown, "line_width": 2.5}
    step.plot.step("x", "step", mode="after", color=BLUE, **line)
    slope.plot.varea("x", 0, "slope", source=shown, color=RED, alpha=0.2)
    slope.plot.line("x", "slope", color=RED, **line)
    integral.plot.line("x", "integral", color=GREEN, **line)
    arguments = {"table": table, "shown": shown, "panels": [vars(panel) for panel in panels]}
    drawing = Document()
    for panel in panels:
        drawing.add_root(panel.plot)
    drawing.js_on_event("document_ready", CustomJS(args=arguments, code=SCRIPT.read_text("utf-8")))
    return drawing


class Explorer(Directive):
    """``{explorer}``, once in the site."""

    def run(self) -> list[nodes.Node]:
        """Put the sliders, the panels and their script into the page."""
        env = self.state.document.settings.env
        for file in (__file__, SCRIPT, MARKUP):
            env.note_dependency(str(file))
        env.metadata[env.docname]["explorer"] = True
        panels = {plot.name: plot for plot in document().roots}
        script, divs = components(panels, theme=THEME)
        html = MARKUP.read_text("utf-8").format(**divs, pairs=POSITIONS.size**2)
        return [nodes.raw("", html + script, format="html")]


def _add_library(app: Sphinx, page: str, *_: object) -> None:
    if "explorer" in app.env.metadata.get(page, {}):
        app.add_js_file(LIBRARY.name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive; serve Bokeh's script with the site, and load it on that page alone."""
    app.add_directive("explorer", Explorer)
    app.connect("config-inited", lambda _, config: config.html_static_path.append(str(LIBRARY)))
    app.connect("html-page-context", _add_library)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
