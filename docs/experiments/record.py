"""The record of the experiments: the one place that writes it and reads it, and what made it."""

import ast
import datetime
import hashlib
import json
import os
import platform
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

Experiment = Any  # pages read the record without what runs experiments
HERE = Path(__file__).parent
FILE = HERE.parent / "_data/experiments.json"
FOLDERS = HERE, HERE.parent / "how-to"  # a script that a page shows is run here, too
Row = dict[str, Any]


def read() -> dict[str, Any]:
    """The entries of all experiments."""
    entries: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    for entry in entries.values():
        columns = entry.pop("columns")
        rows = [zip(columns, row, strict=True) for row in entry["rows"]]
        entry["rows"] = [{k: v for k, v in row if v is not None} for row in rows]
    return entries


def write(entries: Mapping[str, Any]) -> None:
    """JSON with a line for each row, and the names of its columns above."""
    texts = list[str]()
    for name, entry in sorted(entries.items()):
        columns = list(dict.fromkeys(column for row in entry["rows"] for column in row))
        rows = [[row.get(column) for column in columns] for row in entry["rows"]]
        rest = {key: value for key, value in entry.items() if key != "rows"}
        heading = json.dumps(rest | {"columns": columns, "rows": []}, indent=1)
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        texts.append(f'"{name}": ' + heading.removesuffix("[]\n}") + f"[\n{lines}\n]}}")
    FILE.write_text("{" + ",\n".join(texts) + "}\n", "utf-8")


def settings(row: Mapping[str, Any]) -> frozenset[Any]:
    """All of a row but its outcomes."""
    return frozenset(item for item in row.items() if not isinstance(item[1], list))


def wanted(experiment: Experiment, cases: Sequence[Mapping[str, Any]]) -> list[frozenset[Any]]:
    """The settings of the rows that cases have, in order."""
    stages = [experiment.updates // part for part in experiment.stages]
    return [settings({**case, "updates": stage}) for case in cases for stage in stages]


def is_current(entry: Mapping[str, Any] | None, experiment: Experiment) -> bool:
    """Whether new rows may stand beside the recorded ones, none of which was changed by hand."""
    if entry is None:
        return True
    now: dict[str, Any] = {"made_by": made_by(experiment, version), "versions": versions()}
    now |= {"seeds": experiment.seeds, "outcomes": list(experiment.outcomes)}
    now["checksum"] = checksum(entry["rows"])
    return all(entry[name] == value for name, value in now.items())


def renewed(
    entry: Mapping[str, Any], experiment: Experiment, rows: Sequence[Row]
) -> dict[str, Any]:
    """The entry with new rows, and without those of cases that have left."""
    by_settings = {settings(row): row for row in [*entry.get("rows", []), *rows]}
    places = wanted(experiment, experiment.cases)
    kept = [by_settings[place] for place in places if place in by_settings]
    run = {
        "date": str(datetime.date.today()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": versions(),
        "made_by": made_by(experiment, version),
    }
    new = how_it_is_read(experiment) | (run if rows else {})
    return {**entry, **new, "checksum": checksum(kept), "rows": kept}


def how_it_is_read(experiment: Experiment) -> dict[str, Any]:
    """What an entry repeats of its experiment, for the pages."""
    lists = {
        name: list(getattr(experiment, name)) for name in ("by", "tuned", "outcomes", "stages")
    }
    names = ("question", "chosen_by", "seeds", "updates")
    return lists | {name: getattr(experiment, name) for name in names}


def checksum(rows: Sequence[Row]) -> str:
    """Of what was written, so that a row that is changed by hand is seen."""
    return _digest([sorted(row.items()) for row in rows])


def versions() -> dict[str, str]:
    """What computes the outcomes; on other versions, some trainings end elsewhere."""
    return {name: version(name) for name in ("jax", "optax")}


def pinned(package: str) -> str:
    """The version of a package that brings data, as `nox -s experiments` installs it."""
    group = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text("utf-8"))
    pins = group["dependency-groups"]["experiments"]
    return str(dict(pin.split("==") for pin in pins if "==" in pin).get(package))


PACKAGES = {"mnist1d": "mnist1d", "sklearn": "scikit-learn", "sktime": "sktime"}  # bring data


def made_by(experiment: Experiment, version: Callable[[str], str] = pinned) -> dict[str, str]:
    """What decides the outcomes: a hash of each module that runs, and versions of what brings data.

    The cases aren't part of it, because each row says of which it is. The package isn't either: most of
    its changes alter no number, and where one does, its own tests fail, and so does the weekly sample.
    """
    made, ahead = dict[str, str](), ["experiment", experiment.program.__name__.split(".")[-1]]
    while ahead:
        name = f"{ahead.pop()}.py"
        file = next(folder / name for folder in FOLDERS if (folder / name).exists())
        source = file.read_text("utf-8")
        made[file.name] = code_hash(source)
        for node in ast.walk(ast.parse(source)):
            for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else []:
                imported = f"{getattr(node, 'module', '')}.{alias.name}.".lstrip(".")
                package, module = imported.split(".")[:2]
                module = module if package == "experiments" else package
                if package in PACKAGES:
                    made[PACKAGES[package]] = version(PACKAGES[package])
                elif package in {"experiments", "search"} and f"{module}.py" not in made:
                    ahead.append(module)
    return dict(sorted(made.items()))


def code_hash(source: str) -> str:
    """Of what a module does: not of its comments, docstrings and annotations."""
    return _digest(_plain(ast.parse(source)))


def _digest(value: Any) -> str:
    return hashlib.sha256(ascii(value).encode()).hexdigest()[:12]


def _plain(node: Any) -> Any:
    """A syntax tree as lists, without what is empty: the same on each Python, as `ast.dump` isn't."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
        fields["body"] = node.body[ast.get_docstring(node) is not None :]
    if isinstance(node, ast.JoinedStr):  # Python 3.12 has empty texts in some
        fields["values"] = [v for v in node.values if getattr(v, "value", None) != ""]
    left = {"annotation", "returns", "ctx", "kind", "type_comment", "type_ignores"}
    kept = {k: v for k, v in fields.items() if k not in left and v is not None and v != []}
    return [type(node).__name__, [[k, _plain(v)] for k, v in sorted(kept.items())]]
