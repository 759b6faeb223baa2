"""What is written down twice agrees: version and date, figure, messages, defaults; all is shown."""

import ast
import doctest
import functools
import inspect
import os
import re
import subprocess
import symtable
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import relugrad

ROOT = Path(__file__).parents[1]
TOML = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT, GROUPS = TOML["project"], TOML["dependency-groups"]


def test_changelog_and_citation_name_the_newest_release() -> None:
    """The package is this release, or has the version of one in development."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest, date = re.findall(r"^## (.+) \((.+)\)$", changelog, re.MULTILINE)[0]
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {newest}\ndate-released: {date}\n" in citation, "CITATION.cff"
    number = relugrad.__version__.removesuffix(".dev0")
    developed = number != relugrad.__version__
    assert (number != newest) == developed, "src/relugrad/__init__.py, or CHANGELOG.md"
    assert ("\n## Unreleased\n" in changelog) == developed, "CHANGELOG.md"


def test_bounds_and_pins_are_where_they_belong() -> None:
    """An upper bound keeps newer versions from users, and from these tests; pages name the lower ones."""
    assert [d for d in GROUPS["lint"] if "==" not in d] == [], "pyproject.toml"
    recorded = [d.partition("==")[0] for d in GROUPS["experiments"] if "==" in d]
    ignored = (ROOT / ".github/dependabot.yml").read_text("utf-8")
    assert re.findall(r"dependency-name: (\S+)", ignored) == recorded, ".github/dependabot.yml"
    depends = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["examples"]
    assert [d for d in depends if not re.fullmatch(r"[\w-]+>=[\d.]+", d)] == [], "pyproject.toml"
    python, jax = PROJECT["requires-python"], PROJECT["dependencies"][0]
    for page in ["README.md", "docs/index.md"]:
        text = " ".join((ROOT / page).read_text("utf-8").split())
        for name, oldest in [("Python", python), ("JAX", jax)]:
            assert f"{name} {oldest.partition('>=')[2]} or newer" in text, page


def places(pattern: str, files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Where it stands, and what its group is."""
    for file in files:
        text = file.read_text("utf-8")
        for found in re.finditer(pattern, text, re.MULTILINE):
            line = text.count("\n", 0, found.start(1)) + 1
            yield f"{file.relative_to(ROOT)}:{line}: {found[0].strip()}", found[1]


PAGES = [ROOT / "README.md", ROOT / "docs/index.md", *ROOT.glob("docs/[!_]*/*.md")]
OTHERS = [".github/*.md", ".github/workflows/*", ".ci/run", ".readthedocs.yaml", "*.cff", "*.py"]
TEXTS = [*PAGES, *(file for pattern in OTHERS for file in ROOT.glob(pattern))]
NOXFILE = (ROOT / "noxfile.py").read_text("utf-8")
CHORES = re.findall(r"\ndef (\w+)", NOXFILE)
FILES = [p.relative_to(ROOT).as_posix() for p in ROOT.glob("[dst]*/**/*")]
DOIS = re.findall(r"(?:doi|eprint) += {(.+)}", (ROOT / "docs/references.bib").read_text("utf-8"))
ARE = {  # how things of the repository are named, and which there are
    "chores": (r"(?:nox -s |nox --session |chore: |^chore )([a-z_]+)", CHORES),
    "branches": (r"(?:branches: \[|refs/|--branch )([\w/-]+)", ["main", "heads/main"]),
    "folders": (r"^ +path: (\S+)$", re.findall(r'"([\w/]+)"', NOXFILE)),
    "files": (r"`((?:docs|src|tests)/(?!_build)[\w/.-]+)`", FILES),
    "groups": (r"--group[\", ]+(\w+)", GROUPS),
    "DOIs": (r"^ +doi: (?:10.48550/arXiv\.)?(\S+)", DOIS),
}


@pytest.mark.parametrize("kind", ARE)
def test_what_is_named_exists(kind: str) -> None:
    pattern, there_are = ARE[kind]
    named = list(places(pattern, TEXTS))
    wrong = [where for where, name in named if name not in there_are]
    assert not wrong, "\n".join(wrong)
    assert len(named) > 3
    assert len({*DOIS}) == len(DOIS), "docs/references.bib: two works have one DOI"


def test_each_chore_but_two_runs_before_a_commit_lands_or_weekly() -> None:
    files = ".ci/run", ".github/workflows/weekly.yml"
    run = "".join((ROOT / file).read_text("utf-8") for file in files)
    chores = re.findall(r"\n@nox.session.*\ndef (\w+)", NOXFILE)
    left = [name for name in chores if not re.search(f"chore:? {name}", run)]
    assert left == ["benchmarks", "live"], files


def test_each_conversation_on_a_page_is_collected() -> None:
    """Counted without the collector of conftest.py."""
    command = ["-m", "pytest", "--collect-only", "-q", "--ignore-glob=*.py", "README.md", "docs"]
    plain = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # quicker
    run = functools.partial(subprocess.run, check=False, cwd=ROOT, env=plain, text=True)
    listed = run([sys.executable, *command], stdout=subprocess.PIPE).stdout
    collected = Counter(re.findall(r"^(\S+\.md)::", listed, re.MULTILINE))
    starts = {p: re.findall(r"^```.*\n>>> ", p.read_text("utf-8"), re.MULTILINE) for p in PAGES}
    assert collected == {p.relative_to(ROOT).as_posix(): len(s) for p, s in starts.items() if s}


CELL = r"^```\{code-cell\} python\n(?:---\n(?!tags).*?\n---\n)?([^:-].*?)^```"  # that is shown
CODE = rf"{CELL}|^```py(?:con|thon)\n(>>> .*?)^```|(\A\"\"\".*)"
KEEP = r"\b(\w*jit|checkpoint|scan|\w+_loop|shard_map|(custom_|def)(vjp|jvp))\b"


def programs(file: Path) -> Iterator[str]:
    """Each conversation, and then the cells, on the lines on which they stand."""
    text, cells = file.read_text("utf-8"), ""
    for block in re.finditer(CODE, text, re.DOTALL | re.MULTILINE):
        line, talk = text.count("\n", 0, block.start(block.lastindex or 0)), ""
        for example in doctest.DocTestParser().get_examples(block[2] or block[3] or ""):
            talk += "\n" * (line + example.lineno - talk.count("\n")) + example.source
        if block[1]:
            cells += "\n" * (line - cells.count("\n")) + block[1]
        yield talk
    yield cells


def looked_up(table: symtable.SymbolTable) -> set[str]:
    """What a function, or one inside of it, reads of its module."""
    own = table.get_globals() if isinstance(table, symtable.Function) else ()
    return set(own).union(*map(looked_up, table.get_children()))


def set_elsewhere(program: str, fences: list[int]) -> Iterator[tuple[int, str]]:
    """The line of a function, and what it reads though a reader may set it in another cell."""
    body, module = ast.parse(program).body, symtable.symtable(program, "", "exec")
    lines = {s.name: s.lineno for s in body if isinstance(s, ast.FunctionDef | ast.ClassDef)}
    kept = set[int]()
    for s in body:
        decorators = [ast.unparse(d) for d in getattr(s, "decorator_list", [])]
        text = " ".join(decorators) if s.lineno in lines.values() else ast.unparse(s)
        if re.search(KEEP, text):
            kept |= {lines[name] for name in re.findall(r"\w+", text) if name in lines}
            own = range(s.lineno, (s.end_lineno or 0) + 1)
            kept |= set(own) if decorators or isinstance(s, ast.Assign) else set()
    bound = [s for s in module.get_symbols() if s.is_assigned()]
    values = {s.get_name() for s in bound if not (s.is_imported() or s.is_namespace())}
    tables = [t for t in module.get_children() if t.get_name() in {"lambda", *lines}]
    reads = {t.get_lineno(): looked_up(t) for t in tables}
    for line in {*lines.values(), *kept} & set(reads):
        yield from ((line, name) for name in reads[line] & values)
        names = reads[line] & set(lines) if line in kept else set[str]()
        while more := {n for f in names for n in reads[lines[f]] & set(lines)} - names:
            names |= more
        yield from ((line, name) for name in names if fences[lines[name]] != fences[line])


def test_what_readers_set_reaches_what_jax_keeps() -> None:
    """A name that a traced function reads may be set anew in a later cell, without effect.

    A page's functions read no value of the page, and those that JAX keeps only the functions
    of their own cell, which is run again with them. The others are arguments.
    """
    found = []
    for file in [*PAGES, *ROOT.glob("src/*/*.py")]:
        rows = file.read_text("utf-8").splitlines()
        fences = [0, *accumulate(row.startswith("```") for row in rows)]
        pairs = {pair for program in programs(file) for pair in set_elsewhere(program, fences)}
        found += [f"{file}:{line}: make {n!r} an argument" for line, n in sorted(pairs)]
    assert not found, "\n".join(found)


def test_formulas_are_those_of_the_function() -> None:
    """Each is the triangle, its peak, or the area of one side or of both."""
    spike = relugrad.ReluGrad(0.4, 1.5)
    values = [*map(spike.surrogate_grad, [0.7, 0.0]), *map(spike.surrogate_fun, [0.0, 1.5])]
    given = {"alpha": 0.4, "width": 1.5, "x": 0.7, "relu": lambda y: max(0, y)}
    found = [*places(r"`([^`\n]*\balpha \* [^`\n]*)`", [*PAGES, *ROOT.glob("src/*/*.py")])]
    assert [
        where
        for where, formula in found
        if not np.isclose(eval(formula.replace("|x|", "abs(x)"), given), values).any()
    ] == []
    assert len(found) > 8


@pytest.mark.parametrize("curve", ["step", "triangle"])
def test_figure_of_the_readme_is_drawn_from_the_function(curve: str) -> None:
    """The coordinates of each curve in the SVG file are the values of the function."""
    file, namespace = ROOT / "docs/_static/step-and-triangle.svg", "{http://www.w3.org/2000/svg}"
    path = ElementTree.parse(file).find(f".//{namespace}g[@id='{curve}']/{namespace}path")
    assert path is not None
    x, y = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", path.attrib["d"]), float).T
    spike = relugrad.ReluGrad(alpha=0.3, width=1.0)
    function = spike if curve == "step" else spike.surrogate_grad
    expected = np.asarray(function(np.linspace(-2, 2, len(x), dtype=np.float32)))
    assert re.findall(r"<!-- (\W?)2 -->", file.read_text("utf-8")) == ["\N{MINUS SIGN}", ""] * 2
    # From the page's coordinates, where y points down, to those of the panel.
    np.testing.assert_allclose((y.max() - y) / np.ptp(y), expected / expected.max(), atol=1e-4)


ERRORS = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^### (.+?)\n.*?^```pycon\n(.*?)^```", ERRORS, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("heading", "block"), ENTRIES, ids=[heading for heading, _ in ENTRIES])
def test_heading_is_part_of_the_message_in_its_example(heading: str, block: str) -> None:
    """It is printed, or a string for which the example looks where versions differ."""
    examples = doctest.DocTestParser().get_examples(block)
    nodes = [node for example in examples for node in ast.walk(ast.parse(example.source))]
    sought = [str(node.value) for node in nodes if isinstance(node, ast.Constant)]
    assert any(heading in text for text in [*sought, *(example.want for example in examples)])


def test_each_heading_has_an_example() -> None:
    assert ERRORS.count("\n### ") == len(ENTRIES)


def test_the_reference_page_shows_all_that_is_public() -> None:
    """What the package exports, and each method and property of its class."""
    page = (ROOT / "docs/reference/relugrad.md").read_text("utf-8")
    found = re.findall(r"(?:autoclass|autofunction):: relugrad\.(\w+)|:members: (.*)", page)
    shown = {name for pair in found for names in pair for name in names.split(", ") if name}
    members = {name for name in dir(relugrad.ReluGrad) if not name.startswith("_")}
    fields = set(relugrad.ReluGrad.__dataclass_fields__)  # in the class's own docstring
    assert shown == {*relugrad.__all__, *members} - fields


@pytest.mark.parametrize("documented", [relugrad.ReluGrad, relugrad.relu_grad])
def test_docstring_names_the_defaults_of_the_signature(documented: Callable[..., Any]) -> None:
    text = inspect.getdoc(documented) or ""
    named = re.findall(r"^(\w+)\n(?:    .*\n)*?    .*Default ([\w.]+\w)", text, re.MULTILINE)
    parameters = inspect.signature(documented).parameters.values()
    defaults = {one.name: str(one.default) for one in parameters if one.default is not one.empty}
    where = f"{inspect.getsourcefile(documented)}:{inspect.getsourcelines(documented)[1]}"
    assert dict(named) == defaults, f"{where}: {documented.__name__}"
