"""Every chore of the project. `python -m nox` runs what must pass; `--list` shows the rest."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv"
nox.options.error_on_external_run = True

SITE = Path("docs/_build/html")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site, from nothing: every cell, example and figure is executed."""
    session.install(".[docs]")
    shutil.rmtree("docs/_build", ignore_errors=True)
    session.run("sphinx-build", "-W", "-d", "docs/_build/doctrees", "docs", str(SITE))
    session.log(f"open {SITE.resolve() / 'index.html'}")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests: units, docstrings, every block of the pages, and the built site."""
    session.install("-e", ".[test]")
    session.run("pytest", "--doctest-modules", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """Try the built site in Chromium: copy and run each block, look, listen, use the keyboard."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "browser", "tests/docs/test_browser.py", *session.posargs)


@nox.session(python="3.11")
def oldest(session: nox.Session) -> None:
    """The same tests with the oldest JAX that is supported, and all else at its lowest too."""
    session.install("--resolution", "lowest-direct", "-e", ".[test]")
    session.run("pytest", "--doctest-modules", *session.posargs)


@nox.session(python=["3.12", "3.13"])
def newest(session: nox.Session) -> None:
    """The same tests on newer Pythons, with the newest JAX, which needs them."""
    session.install("-e", ".[test]")
    session.run("pytest", "--doctest-modules", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and spelling."""
    session.install("ruff", "codespell")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check", "--diff")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types, of the package and of its tests."""
    session.install("-e", ".[test]", "mypy", "nox", "types-tqdm")
    session.run("mypy")


@nox.session
def every_float(session: nox.Session) -> None:
    """Check every float16, bfloat16 and float32 that there is; `-- --record FILE` keeps the table."""
    session.install("-e", ".[test]")
    session.run("python", "tests/exhaustive/every_float.py", *session.posargs)


@nox.session
def mutated_documentation(session: nox.Session) -> None:
    """Change each number and each output that the documentation prints: all must be noticed."""
    session.install("-e", ".[test]")
    session.run("python", "tests/mutation/mutate_documentation.py")


@nox.session(default=False)
def inventories(session: nox.Session) -> None:
    """Renew the inventories of the projects that the pages link to. Needs the network."""
    session.install("sphinx")
    session.run("python", "docs/_inventories/renew.py")


@nox.session(default=False)
def figure(session: nox.Session) -> None:
    """Draw the figure of the README again."""
    session.install(".[docs]")
    session.run("python", "docs/_figures/step_and_triangle.py")


@nox.session(default=False)
def live(session: nox.Session) -> None:
    """Serve the site, and build it again whenever a page is saved."""
    session.install("-e", ".[docs]", "sphinx-autobuild")
    session.run("sphinx-autobuild", "--watch", "src", "docs", str(SITE))
