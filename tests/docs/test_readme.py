"""The README's figure shows the function, and not somebody's drawing of it."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from relugrad import ReluGrad

FIGURE = Path(__file__).parents[2] / "docs" / "_static" / "step-and-triangle.svg"


@pytest.mark.parametrize("curve", ["step", "triangle"])
def test_figure_of_the_readme_is_drawn_from_the_function(curve: str) -> None:
    """The coordinates of each curve in the SVG file are the values of the function."""
    namespace = {"svg": "http://www.w3.org/2000/svg"}
    path = ElementTree.parse(FIGURE).find(f".//svg:g[@id='{curve}']/svg:path", namespace)
    assert path is not None
    points = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", path.attrib["d"]), float)
    x, y = points.T
    surrogate = ReluGrad(alpha=0.3, width=1.0)
    function = surrogate if curve == "step" else surrogate.surrogate_grad
    expected = np.asarray(function(np.linspace(-2, 2, len(x), dtype=np.float32)))
    assert len(x) > 100
    # From the page's coordinates, where y points down, to those of the panel.
    np.testing.assert_allclose((x - x[0]) / np.ptp(x), np.linspace(0, 1, len(x)), atol=1e-4)
    np.testing.assert_allclose((y.max() - y) / np.ptp(y), expected / expected.max(), atol=1e-4)
