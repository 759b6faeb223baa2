"""Which derivative rules of a library are tried: all, or ten of them drawn by chance.

``python -m tests.peers.found.draw ott-jax`` prints every definition of a rule in the files of the
library that is installed, and marks those that are drawn. Nothing is imported or run.
"""

import ast
import random
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from sysconfig import get_path

MAKERS = {"custom_vjp", "custom_jvp", "custom_gradient"}
FOLDERS = {
    "brax": "brax",
    "distrax": "distrax",
    "jax": "jax/_src/nn",
    "jax-md": "jax_md",
    "jaxoplanet": "jaxoplanet",
    "numpyro": "numpyro",
    "optax": "optax",
    "ott-jax": "ott",
    "rlax": "rlax",
    "snnax": "snnax",
    "spyx": "spyx",
    "tfp-nightly": "tensorflow_probability/substrates/jax",
}
DRAWN = {"numpyro", "ott-jax", "tfp-nightly", "jax-md"}
NOT_PUBLIC = {"experimental", "internal", "contrib"}


def makes_rule(node: ast.AST) -> bool:
    """Whether an expression names a function of JAX that makes a rule."""
    names = {getattr(part, "id", getattr(part, "attr", None)) for part in ast.walk(node)}
    return bool(names & MAKERS)


def rules_in(file: Path) -> Iterator[tuple[int, str]]:
    """The lines and the names of functions that get a rule."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and any(map(makes_rule, node.decorator_list)):
            yield node.lineno, node.name
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if makes_rule(node.value.func):
            yield node.lineno, ast.unparse(node.targets[0])


def all_rules(library: str) -> list[str]:
    """Each as ``file:line name``, without tests and without folders that aren't public."""
    root = Path(get_path("purelib"), FOLDERS[library])
    found = []
    for file in sorted(root.rglob("*.py")):
        place = file.relative_to(root)
        is_test = "test" in place.stem.split("_")
        if not is_test and not NOT_PUBLIC & {*place.parts}:
            found += [f"{place}:{line} {name}" for line, name in sorted(rules_in(file))]
    return found


def drawn_rules(library: str) -> list[str]:
    """Ten of them, always the same for a version; or all, if there are no more."""
    rules = all_rules(library)
    if library not in DRAWN or len(rules) <= 10:
        return rules
    return sorted(random.Random(0).sample(rules, 10))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        drawn = drawn_rules(name)
        print(f"{name} {version(name)}: {len(drawn)} of {len(all_rules(name))} rules are drawn")
        for rule in all_rules(name):
            print("  x" if rule in drawn else "   ", rule)
