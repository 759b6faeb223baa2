"""Run the pre-commit hooks of this project, each from the Python package of its pinned version.

`pre-commit run` clones a repository for each hook. Those repositories only say which package to
install; this script says it itself, so that a package index is the one host that has to be reached.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

PACKAGES = {
    "pre-commit-hooks": "pre-commit-hooks",
    "ruff-pre-commit": "ruff",
    "mirrors-mypy": "mypy",
    "codespell": "codespell",
    "rumdl-pre-commit": "rumdl",
    "zizmor-pre-commit": "zizmor",
    "check-jsonschema": "check-jsonschema",
}
SCHEMA = "check-jsonschema --builtin-schema vendor."
PYTHON = {"types_or": ["python", "pyi"]}
# What the repositories say of a hook, where it is more than to run the command of the hook's name.
HOOKS: dict[str, dict[str, Any]] = {
    "check-toml": {"types": ["toml"]},
    "check-yaml": {"types": ["yaml"]},
    "debug-statements": {"entry": "debug-statement-hook", "types": ["python"]},
    "end-of-file-fixer": {"types": ["text"]},
    "mixed-line-ending": {"types": ["text"]},
    "trailing-whitespace": {"entry": "trailing-whitespace-fixer", "types": ["text"]},
    "ruff-check": {"entry": "ruff check --force-exclude", **PYTHON},
    "ruff-format": {"entry": "ruff format --force-exclude", **PYTHON},
    "mypy": PYTHON | {"require_serial": True},
    "codespell": {"types": ["text"]},
    "rumdl": {"entry": "rumdl check", "types": ["markdown"]},
    "zizmor": {"files": r"^\.github/(workflows/|dependabot\.yml)", "require_serial": True},
    "check-dependabot": {"entry": SCHEMA + "dependabot", "files": r"^\.github/dependabot\.yml$"},
    "check-github-workflows": {
        "entry": SCHEMA + "github-workflows",
        "files": r"^\.github/workflows/",
    },
    "check-readthedocs": {"entry": SCHEMA + "readthedocs", "files": r"^\.readthedocs\.yaml$"},
}


def from_packages(repositories: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same hooks, as hooks of this repository that install a package."""
    hooks: list[dict[str, Any]] = []
    for repository in repositories:
        name = repository["repo"].rpartition("/")[2]
        if name == "pygrep-hooks":
            continue  # three patterns without a package; ruff looks for the same
        package = f"{PACKAGES[name]}=={repository['rev'].removeprefix('v')}"
        for hook in repository["hooks"]:
            said = {"name": hook["id"], "entry": hook["id"], "language": "python"}
            more = [package, *hook.get("additional_dependencies", [])]
            hooks.append(
                said | HOOKS.get(hook["id"], {}) | hook | {"additional_dependencies": more}
            )
    return [{"repo": "local", "hooks": hooks}]


def main() -> int:
    """Run all hooks on all files."""
    config = yaml.safe_load(Path(".pre-commit-config.yaml").read_text(encoding="utf-8"))
    config["repos"] = from_packages(config["repos"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "config.yaml")
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        run = ["pre-commit", "run", "--all-files", "--show-diff-on-failure", "--config", str(file)]
        return subprocess.run(run, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
