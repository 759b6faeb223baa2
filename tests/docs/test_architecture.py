"""The page that explains the modules: what it says of them is what they import."""

import ast
import re
from pathlib import Path

import relugrad

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "architecture.md"


def _imports_of_the_package() -> set[tuple[str, str]]:
    """Pairs of a module and one that it imports, by their names on the page."""
    found: set[tuple[str, str]] = set()
    for file in Path(relugrad.__file__).parent.glob("*.py"):
        module = "relugrad" if file.stem == "__init__" else file.stem
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}: relative imports are not looked at"
                names = [node.module or ""]
            found |= {(module, n.partition(".")[2]) for n in names if n.startswith("relugrad")}
    return found


def test_diagram_shows_the_imports_that_there_are() -> None:
    """The description of the diagram, which stands in for it, names each arrow and no other."""
    alt = re.search(r"alt: >-\n(.*?)\ntags:", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert alt is not None
    described = set(re.findall(r"(\w+)\s+imports\s+(\w+)", alt[1]))
    assert described == _imports_of_the_package()
    assert len(described) == 4


def test_no_module_knows_one_above_it() -> None:
    """The order of the page, from what users import down to the mathematics."""
    order = ["relugrad", "_relu_grad", "_autodiff", "_functions"]
    assert all(order.index(a) < order.index(b) for a, b in _imports_of_the_package())
