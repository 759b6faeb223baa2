"""No block of code goes unexecuted, and the documentation alone covers the package."""

import doctest
import json
import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from docutils import nodes
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]

PYTHON = {"python", "pycon", "ipython3"}
NOT_PYTHON = {"sh"}


class Block(NamedTuple):
    """A block of code as a reader sees it."""

    page: str
    language: str
    text: str


def blocks_of_site(build: Path) -> Iterator[Block]:
    """Every block that Sphinx found in the pages and in the docstrings that they show."""
    for doctree in sorted((build / "doctrees").rglob("*.doctree")):
        document = pickle.loads(doctree.read_bytes())
        page = str(doctree.relative_to(build / "doctrees").with_suffix(""))
        for node in document.findall(nodes.FixedTextElement):
            if _is_output(node) or not isinstance(node, nodes.literal_block | nodes.doctest_block):
                continue
            language = "pycon" if isinstance(node, nodes.doctest_block) else node.get("language")
            yield Block(page, str(language), node.astext())


def _is_output(node: nodes.Node) -> bool:
    while node.parent is not None:
        node = node.parent
        if "cell_output" in getattr(node, "attributes", {}).get("classes", ()):
            return True
    return False


def blocks_of_readme() -> Iterator[Block]:
    """Every block of the README."""
    for token in MarkdownIt().parse((ROOT / "README.md").read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            yield Block("README", token.info.strip() or "none", token.content)


def executed_cells(build: Path) -> Iterator[str]:
    """Every cell that the build executed; it would have failed if a cell had."""
    for notebook in (build / "jupyter_execute").rglob("*.ipynb"):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code" and cell["execution_count"]:
                yield "".join(cell["source"])


def recorded() -> Iterator[str]:
    """The scripts that `nox -s peers` ran, as they were when what they printed was kept."""
    record = json.loads((ROOT / "docs/_data/peers.json").read_text(encoding="utf-8"))
    return (network["source"] for network in record["networks"].values())


def examples(text: str) -> list[str]:
    """The parts of a block that are executed: all of it, or each example that has a prompt."""
    if ">>>" not in text:
        return [text.strip()]
    return [example.source for example in doctest.DocTestParser().get_examples(text)]


@pytest.fixture(scope="module")
def blocks(build: Path) -> list[Block]:
    """Every block of code in the site and in the README."""
    return [*blocks_of_site(build), *blocks_of_readme()]


def test_every_block_names_its_language(blocks: list[Block]) -> None:
    """A block that names none, or one unknown here, could be Python that nothing runs."""
    assert [block for block in blocks if block.language not in PYTHON | NOT_PYTHON] == []


def test_every_python_block_is_executed(
    blocks: list[Block],
    build: Path,
    documentation_run: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The blocks that a reader sees, against the blocks that ran and passed."""
    ran = [*documentation_run["executed"], *executed_cells(build), *recorded()]
    executed = {part for text in ran for part in examples(text)}
    python = [block for block in blocks if block.language in PYTHON]
    assert [block for block in python if not executed.issuperset(examples(block.text))] == []
    counts = Counter("executed" if b in python else f"not Python ({b.language})" for b in blocks)
    with capsys.disabled():
        print(f"\nblocks of code: {dict(counts)}")


def test_every_docstring_block_runs_alone() -> None:
    """A docstring of several blocks is one test, and each of its blocks is copied by itself."""
    import relugrad

    documented = [relugrad.relu_grad, relugrad.ReluGrad, *vars(relugrad.ReluGrad).values()]
    docstrings = [text for thing in documented if (text := getattr(thing, "__doc__", None))]
    alone = [block for text in docstrings for block in _blocks_of_docstring(text)]
    assert len(alone) >= 8
    for block in alone:
        report: list[str] = []
        test = doctest.DocTest(block, {}, "alone", None, None, None)
        doctest.DocTestRunner(verbose=False).run(test, out=report.append)
        assert not report, "".join(report)


def _blocks_of_docstring(text: str) -> Iterator[list[doctest.Example]]:
    """The examples that nothing separates, not even a blank line."""
    block: list[doctest.Example] = []
    for part in [*doctest.DocTestParser().parse(text), "end"]:
        if isinstance(part, doctest.Example):
            block.append(part)
        elif part and block:
            yield block
            block = []


def test_documentation_alone_covers_every_line_and_branch(
    documentation_run: dict[str, Any],
) -> None:
    """What no example shows is either not worth having or not documented."""
    files = documentation_run["coverage"]["files"]
    missing = {
        name: (file["missing_lines"], file["missing_branches"])
        for name, file in files.items()
        if file["missing_lines"] or file["missing_branches"]
    }
    assert missing == {}
    assert len(files) == 4
