#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox[uv]"]
# ///
"""Every chore of the project. `python -m nox --list` shows them; what follows `--` selects or records."""

import os
import shutil
from fnmatch import fnmatch
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.error_on_external_run = True
# Container images may forbid keeping compiled modules; each notebook would then compile JAX's anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

SITE = "docs/_build/html"
NIGHTLY = "https://us-python.pkg.dev/ml-oss-artifacts-published/jax-public-nightly-artifacts-registry/simple/"
PINS = "docs/constraints.txt"
PINNED = ["--constraint", PINS]
TESTS_OF_TESTING = "tests/proofs/test_testing.py"
RESOLUTION = {
    "lowest": ["--resolution", "lowest-direct"],
    "newest": ["--upgrade"],
    "nightly": ["--prerelease", "allow", "--extra-index-url", NIGHTLY],
}

# Libraries in which rules of others are tried, and what one of them needs and doesn't say
TRIED = [
    "brax",
    "distrax",
    "jax",
    "jax-md",
    "jaxoplanet",
    "numpyro",
    "optax",
    "ott-jax",
    "rlax",
    "snnax",
    "spyx",
    "tfp-nightly",
]
NEEDS = {"snnax": ["chex"]}


def _words(session: nox.Session, *accepted: str) -> list[str]:
    """What follows `--`; an error if it isn't accepted."""
    for word in session.posargs:
        if not any(fnmatch(word, pattern) for pattern in accepted):
            session.error(f"{word}: what may follow `--` is {', '.join(accepted)}")
    return session.posargs


def _versions(words: list[str]) -> list[str]:
    """What `lowest`, `newest`, `nightly` or `jax==VERSION` tells uv."""
    options = [word for word in words if "==" in word]
    for word in words:
        options += RESOLUTION.get(word, [])
    return options


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site, executing all of it, and test it. Versions as in `tests`; `renew`: pins."""
    words = _words(session, *RESOLUTION, "jax==*", "renew")
    if "renew" in words:
        export = ["uv", "export", "--quiet", "--upgrade", "--group", "site", "--no-default-groups"]
        plain = ["--no-hashes", "--no-annotate", "--no-emit-project"]
        session.run(*export, *plain, "--output-file", PINS)
    versions = _versions(words) or PINNED
    session.install(*versions, "-e", ".", "--group", "docs", "--group", "test", "--group", "ruff")
    # A page is read again only if it has changed, or what it uses has. CI starts from nothing.
    # What is kept after a warning, docs/_extensions/notebooks.py decides.
    outdated = "docs/_build" if "CI" in os.environ else SITE
    shutil.rmtree(outdated, ignore_errors=True)
    session.run("sphinx-build", "-M", "html", "docs", "docs/_build", "-W", "-j", "12")
    cells = ["--config", "docs/cells.toml", "docs/_build/jupyter_execute"]
    session.run("ruff", "check", *cells)
    session.run("ruff", "format", "--diff", *cells)
    session.run("pytest", "-q", "tests/docs/test_site.py")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all but the site. `lowest`, `newest`, `nightly`, `jax==VERSION`; `renew`: outputs."""
    words = _words(session, *RESOLUTION, "jax==*", "renew")
    session.install(*_versions(words), "-e", ".[examples]", "--group", "test")
    if "renew" not in words:
        session.run("pytest", "--doctest-modules", "-n", "2")  # two at a time
        return
    session.install("pytest-accept")  # needs a Python older than 3.14
    outputs = ["pytest", "--doctest-modules", "-W", "default", "src", "docs", "README.md"]
    session.run(*outputs, success_codes=[0, 1])  # shows what the last line accepts
    session.run(*outputs, "--accept", "--last-failed", success_codes=[0, 1])


@nox.session(requires=["docs"], default=False)
def notebooks(session: nox.Session) -> None:
    """Run what `docs` offers to download, by itself, where there is only Jupyter and pip."""
    folder = Path(session.create_tmp()).resolve()
    fresh, alone = folder / "fresh", folder / "alone"
    install = ["uv", "pip", "install", "--quiet", "--python", str(fresh)]
    execute = str(fresh / "bin" / "jupyter-execute")
    files = {file.name: file for file in Path(SITE).glob("_downloads/*/*.ipynb")}
    for name, file in sorted(files.items()):
        session.run("uv", "venv", "--quiet", "--clear", "--seed", str(fresh))
        session.run(*install, "ipykernel", "nbclient")
        shutil.rmtree(alone, ignore_errors=True)
        alone.mkdir()
        shutil.copy(file, alone)
        env = {"PYTHONPATH": "", "PIP_NO_INPUT": "1"}
        session.run(execute, str(alone / name), external=True, env=env)


@nox.session
def browser(session: nox.Session) -> None:
    """Try the site that `docs` built in Chromium: copy, look, listen, use the keyboard."""
    session.install(*PINNED, "-e", ".", "--group", "site")
    session.run("pytest", "-q", "tests/docs/test_browser.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Run all pre-commit hooks on all files, and Scientific Python's review of the repository."""
    session.install("--group", "lint")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure")
    session.run("repo-review", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package, of its tests, and of what its users see."""
    # Not editable: --verifytypes looks at what is installed, as a user's editor does.
    session.install(".", "--group", "types")
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--ignoreexternal", "--verifytypes", "relugrad")


@nox.session
def package(session: nox.Session) -> None:
    """Build what is published, twice, and try the wheel."""
    session.install("build[uv]", "check-sdist", "check-wheel-contents", "cyclonedx-bom", "twine")
    folder = Path(session.create_tmp()).resolve()
    dist, again = Path("dist").resolve(), folder / "again"
    for out in (dist, again):
        shutil.rmtree(out, ignore_errors=True)
        session.run("python", "-m", "build", "--installer", "uv", "--outdir", str(out))
    files = sorted(dist.iterdir())
    for file in files:
        if file.read_bytes() != (again / file.name).read_bytes():
            session.error(f"the two builds of {file.name} differ")
    (wheel,) = (str(file) for file in files if file.suffix == ".whl")
    session.run("twine", "check", "--strict", *(str(file) for file in files))
    session.run("check-sdist", "--installer", "uv")  # what git has
    session.run("check-wheel-contents", wheel)

    # An environment with the package and what it needs, and nothing else
    bare = folder / "bare"
    python = str(bare / "bin" / "python")
    install = ["uv", "pip", "install", "--quiet", "--python", python]
    session.run("uv", "venv", "--quiet", "--clear", str(bare))
    session.run(*install, wheel)
    Path("sbom").mkdir(exist_ok=True)
    bill = ["--output-reproducible", "--output-file", "sbom/relugrad.cdx.json"]
    session.run("cyclonedx-py", "environment", *bill, python)
    session.run(*install, "pytest")
    tests = ["--noconftest", "--pyargs", "relugrad", "--doctest-modules"]
    session.run(python, "-m", "pytest", *tests, external=True)


@nox.session
def proofs(session: nox.Session) -> None:
    """Prove the three of `always`, or what takes minutes."""
    shown = ["--doctest-modules", "src", "README.md", "docs/reference"]
    flags = {"JAX_CUSTOM_VJP3": "1", "JAX_CUSTOM_JVP3": "1", "JAX_REMAT3": "1"}
    always = {
        # Docstrings, a page and these tests reach every line and branch
        "coverage": ["-n", "2", "--cov", *shown, "tests/test_arguments.py", TESTS_OF_TESTING],
        "pages": ["-n", "2", "tests/proofs/test_pages.py"],
        "processes": ["tests/proofs/test_processes.py"],
    }
    seldom = {
        "every_float": ["tests/proofs/test_every_float.py"],
        "upstream": ["tests/proofs/test_upstream.py"],
        "flags": [
            "tests/proofs/test_pages.py",
            "tests/test_reference.py",
            "tests/test_autodiff.py",
            TESTS_OF_TESTING,
        ],
    }
    arguments = always | seldom
    chosen = _words(session, *arguments) or always
    session.install("-e", ".", "--group", "test")
    for proof in chosen:
        env = None
        if proof == "flags":
            env = flags
            for flag in flags:  # an error if JAX has no such flag
                session.run("python", "-c", f"import jax; jax.config.{flag.lower()}")
        session.run("pytest", "-q", *arguments[proof], env=env)


def _install_others(session: nox.Session) -> None:
    # PyTorch's libraries in an environment of their own, where pip finds a CPU build.
    others = ["torch", "norse", "snntorch", "spikingjelly"]
    if session.python != "3.11":
        others = ["braintools", "brainstate", "brainpy", "spyx", "jaxpike"]
    session.install(*others, "jupytext", "pytest", "pytest-benchmark", ".")


@nox.session(python=["3.13", "3.11"], venv_backend="venv", default=False)
def peers(session: nox.Session) -> None:
    """Compare with the functions and neurons of other libraries; `record` keeps what is measured."""
    compare = ["python", "-W", "ignore", "-m", "tests.peers.compare", *_words(session, "record")]
    _install_others(session)
    session.run(*compare)
    if session.python != "3.11":
        session.install("sparxml")  # last, because it needs an older JAX
        session.run(*compare, "sparxml")


@nox.session(default=False)
@nox.parametrize("library", [nox.param(name, id=name) for name in TRIED])
def found(session: nox.Session, library: str) -> None:
    """Show the mistakes in other libraries, and try their rules; `record` keeps what is found.

    `fast` runs a part of the checks. With `programs` alone, nothing is tried.
    """
    words = _words(session, "record", "fast", "programs")
    session.install("--upgrade", library, *NEEDS.get(library, []), ".")
    survey = ["-W", "ignore", "-m", "tests.peers.found.survey"]
    session.run("python", *survey, library, *words, env={"JAX_PLATFORMS": "cpu"})


@nox.session(python="3.13", venv_backend="venv", default=False)
def benchmarks(session: nox.Session) -> None:
    """Time it beside other libraries; `record` keeps the times, which the site shows."""
    folder = "docs/_data" if _words(session, "record") else session.create_tmp()
    _install_others(session)
    options = ["--benchmark-disable-gc", f"--benchmark-json={folder}/benchmarks.json"]
    # glibc gives the memory of large arrays back to the system and asks for it again in the next
    # call. Where it keeps it, a time is that of the function and not of the page faults.
    keep = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_ARENA_MAX": "1"}
    run = ["-m", "pytest", "-q", "-W", "default", "--confcutdir=tests/peers", "--benchmark-quiet"]
    session.run("python", *run, "tests/peers/test_speed.py", *options, env=keep)


@nox.session(default=False)
def live(session: nox.Session) -> None:
    """Serve the site, and build it again whenever a page is saved."""
    session.install(*PINNED, "-e", ".", "--group", "docs", "sphinx-autobuild")
    session.run("sphinx-autobuild", "--watch", "src", "docs", SITE)


if __name__ == "__main__":
    nox.main()
