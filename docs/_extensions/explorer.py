"""The explorer: step, slope and integral for each alpha and width that two sliders can be put to.

JAX computes all curves when the site is built, and Bokeh draws them; the script only picks.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from bokeh.document import Document
from bokeh.embed import components
from bokeh.models import BoxAnnotation, ColumnDataSource, CustomJS, Range1d
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
X = np.union1d(np.linspace(-3, 3, 121), -1e-6).astype(np.float32)  # both sides of the step
PANELS = {  # what is drawn in each, and the color, as in matplotlibrc
    "step": ("forward: g(x)", "#0072b2"),
    "slope": ("backward: g′(x)", "#d55e00"),
    "integral": ("integral of g′(x)", "#009e73"),
}
TRANSPARENT = dict.fromkeys(["background_fill_color", "border_fill_color", "outline_line_color"])
THEME = {
    "attrs": {
        "Plot": {"sizing_mode": "stretch_both"} | TRANSPARENT,
        "Title": {"align": "center", "text_font": "system-ui", "text_font_style": "normal"},
        "Grid": {"visible": False},
        "Axis": {"minor_tick_line_color": None, "major_label_text_font": "system-ui"},
        "BasicTicker": {"desired_num_ticks": 3},
        "BoxAnnotation": {"fill_color": "#333333", "fill_alpha": 0.14, "line_color": None},
    }
}


def curves() -> dict[str, np.ndarray]:
    """Return each function's values: a row for each alpha, a column for each width, then x."""
    spikes = ReluGrad(*jnp.meshgrid(POSITIONS, POSITIONS, indexing="ij"))
    functions = {
        "step": lambda spike: spike(X),
        "slope": lambda spike: jax.vmap(jax.grad(spike))(X),
        "integral": lambda spike: spike.surrogate_fun(X),
    }
    return {name: np.asarray(jax.vmap(jax.vmap(f))(spikes)) for name, f in functions.items()}


def document() -> Document:
    """Return the panels, and the script that puts the curves into them."""
    shown = ColumnDataSource({"x": X} | dict.fromkeys(PANELS, X))
    support, height = BoxAnnotation(level="underlay"), Range1d(0, 1)
    drawing = Document()
    for name, (title, color) in PANELS.items():
        ranges = {"x_range": (-3, 3), "y_range": height}
        plot = figure(name=name, title=title, tools="", toolbar_location=None, **ranges)
        plot.line("x", name, source=shown, color=color, line_width=2.5)
        plot.add_layout(support)
        drawing.add_root(plot)
    arguments = {"table": curves(), "shown": shown, "support": support, "height": height}
    drawing.js_on_event("document_ready", CustomJS(args=arguments, code=SCRIPT.read_text("utf-8")))
    return drawing


class Explorer(Directive):
    """``{explorer}``, once in the site, on a page of its top folder."""

    def run(self) -> list[nodes.Node]:
        """Put Bokeh, the sliders, the panels and their script into the page."""
        script, panels = components(
            {plot.name: plot for plot in document().roots}, theme=Theme(json=THEME)
        )
        html = MARKUP.read_text("utf-8").format(**panels, library=LIBRARY.name)
        return [nodes.raw("", html + script, format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive, and serve Bokeh's script with the site."""
    app.add_directive("explorer", Explorer)
    app.connect("config-inited", lambda _, config: config.html_static_path.append(str(LIBRARY)))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
