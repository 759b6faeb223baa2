#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox[uv]"]
# ///
"""Every chore of the project. `python -m nox --list` shows them; what follows `--` selects or records."""

import argparse
import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import nox
from packaging.version import Version

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv"
nox.options.error_on_external_run = True
# Container images may forbid keeping compiled modules; each notebook would then compile JAX's anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

LOCK = "docs/requirements.txt"
SITE = "docs/_build/html"
NIGHTLY = "https://us-python.pkg.dev/ml-oss-artifacts-published/jax-public-nightly-artifacts-registry/simple/"
RESOLUTION = {
    "lowest": ["--resolution", "lowest-direct"],
    "nightly": ["--prerelease", "allow", "--extra-index-url", NIGHTLY],
}


def _versions(session: nox.Session) -> tuple[list[str], list[str]]:
    """What `lowest`, `nightly`, `between` or `jax==VERSION` tells uv, and the other arguments."""
    first, *others = session.posargs or [""]
    if first == "between":
        first = f"jax=={_drawn(session)}"
        session.log(f"{first}, for this commit. To try it again: -- {first}")
    if first in RESOLUTION or first.startswith("jax=="):
        return RESOLUTION.get(first, [first]), others
    return [], session.posargs


def _drawn(session: nox.Session) -> str:
    """A version of JAX between the oldest and the newest, the same one whenever a commit is tried."""
    session.install("pip")
    listed: Any = session.run("pip", "index", "versions", "jaxlib", "--json", silent=True)
    _newest, *others = json.loads(listed)["versions"]  # with a wheel for this Python and system
    between = [version for version in others if Version(version) > Version("0.6.1")]
    commit: Any = session.run("git", "rev-parse", "HEAD", external=True, silent=True)
    return str(max(between, key=lambda v: hashlib.sha256((commit + v).encode()).digest()))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site, executing all of it, and test it. `locked`, or versions as in `tests`."""
    if session.posargs == ["locked"]:
        session.install("--require-hashes", "-r", LOCK)
        session.install("--no-deps", ".")
    else:
        session.install(*_versions(session)[0], ".[docs,test]")
    shutil.rmtree("docs/_build", ignore_errors=True)
    session.run("sphinx-build", "-W", "-j", "2", "-d", "docs/_build/doctrees", "docs", SITE)
    session.run("pytest", "-q", "tests/docs/test_site.py")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all but the site. `lowest`, `nightly`, `between`, `jax==VERSION`; `renew`: outputs on pages."""
    which, arguments = _versions(session)
    session.install(*which, "-e", ".[test]")
    if arguments == ["renew"]:
        session.install("pytest-accept")  # needs a Python older than 3.14
        arguments = ["--accept", "-W", "default", "src", "docs", "README.md"]
    else:
        arguments += ["-n", "2"]  # at a time
    session.run("pytest", "--doctest-modules", *arguments)


@nox.session
def notebooks(session: nox.Session) -> None:
    """Run what `docs` offers to download: with relugrad, what the notebook installs, and no more."""
    session.install("uv")
    fresh = Path(session.create_tmp()).resolve() / "fresh"
    for file in sorted(Path(SITE).glob("_downloads/*/*.ipynb"), key=lambda file: file.name):
        named = re.findall(r"%pip install --quiet ([\w -]+)", file.read_text("utf-8"))
        needed = [".", "ipykernel", "nbclient", *" ".join(named).split()]
        session.run("uv", "venv", "--quiet", "--clear", "--seed", str(fresh))
        session.run("uv", "pip", "install", "--quiet", "--python", str(fresh), *needed)
        session.run(str(fresh / "bin" / "jupyter-execute"), str(file), external=True)


@nox.session
def browser(session: nox.Session) -> None:
    """Try the site that `docs` built in Chromium: copy, look, listen, use the keyboard."""
    session.install("-e", ".[docs,test]", "--group", "browser")
    session.run("pytest", "-q", "tests/docs/test_browser.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Run all pre-commit hooks on all files, and Scientific Python's review of the repository."""
    session.install("pre-commit", "sp-repo-review[cli]")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure")
    session.run("repo-review", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package, of its tests, and of what its users see."""
    # Not editable: --verifytypes looks at what is installed, as a user's editor does.
    session.install(
        ".[docs,test]", "--group", "browser", "cosmic-ray", "mypy", "nox", "pyright[nodejs]"
    )
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--ignoreexternal", "--verifytypes", "relugrad")


@nox.session
def package(session: nox.Session) -> None:
    """Build what is published, twice, and try the wheel."""
    session.install("build[uv]", "check-wheel-contents", "cyclonedx-bom", "twine", "uv")
    folder = Path(session.create_tmp()).resolve()
    dist, again, bare = Path("dist").resolve(), folder / "again", folder / "bare"
    for out in (dist, again):
        shutil.rmtree(out, ignore_errors=True)
        session.run("python", "-m", "build", "--installer", "uv", "--outdir", str(out))
    if any(file.read_bytes() != (again / file.name).read_bytes() for file in dist.iterdir()):
        session.error("the two builds differ")
    wheel, sdist = map(str, sorted(dist.iterdir()))
    session.run("twine", "check", "--strict", wheel, sdist)
    session.run("check-wheel-contents", wheel)
    python = str(bare / "bin" / "python")  # the package and what it needs, and nothing else
    session.run("uv", "venv", "--quiet", "--clear", str(bare))
    session.run("uv", "pip", "install", "--quiet", "--python", python, wheel)
    Path("sbom").mkdir(exist_ok=True)
    bill = ["--output-reproducible", "--output-file", "sbom/relugrad.cdx.json"]
    session.run("cyclonedx-py", "environment", *bill, python)
    session.run("uv", "pip", "install", "--quiet", "--python", python, "pytest")
    tests = ["--noconftest", "--pyargs", "relugrad", "--doctest-modules"]
    session.run(python, "-m", "pytest", *tests, external=True)


@nox.session
def proofs(session: nox.Session) -> None:
    """Prove: `coverage`, `devices`, `threads`, `flags`, `every_float`, `mutants`; `record` keeps it."""
    chosen = session.posargs or ["coverage", "devices", "flags", "every_float"]
    session.install("-e", ".[test]", "cosmic-ray")
    if "coverage" in chosen:  # a page and the docstrings reach every line and branch
        reached = ["--cov=relugrad", "--cov-branch", "--cov-fail-under=100"]
        shown = ["src", "README.md", "docs/reference/special-values.md"]
        session.run("pytest", "-q", "--doctest-modules", *reached, *shown)
    for proof in ("devices", "threads"):
        if proof in chosen:
            session.run("pytest", "-q", f"tests/proofs/test_{proof}.py")
    if "flags" in chosen:  # what JAX will switch on
        flags = {"JAX_CUSTOM_VJP3": "1", "JAX_CUSTOM_JVP3": "1", "JAX_REMAT3": "1"}
        derived = [f"tests/test_{name}.py" for name in ("autodiff", "transformations", "laws")]
        # The table of how others' rules behave is of JAX without these.
        session.run("pytest", "-q", *derived, "-k", "not a_rule_keeps_or_breaks", env=flags)
    for proof in ("every_float", "mutants"):
        record = ["--record", f"docs/_data/{proof}.json"] if "record" in chosen else []
        if proof in chosen:
            session.run("python", f"tests/proofs/{proof}.py", *record)


@nox.session(default=False)
def experiments(session: nox.Session) -> None:
    """Run the experiments behind the site's advice, with any surrogate: `docs/experiments/__main__.py`."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--with", action="append", default=[])  # where another surrogate is from
    given, arguments = parser.parse_known_args(session.posargs)
    session.install("-e", ".[examples]", *vars(given)["with"])
    session.run("python", "docs/experiments", *arguments)


def _install_others(session: nox.Session) -> None:
    # PyTorch's libraries in an environment of their own, where pip finds a CPU build.
    others = ["torch", "norse", "snntorch", "spikingjelly"]
    if session.python != "3.11":
        others = ["braintools", "brainstate", "brainpy", "spyx", "flax", "equinox", "optax"]
        others += ["jaxpike", "scikit-learn"]
    # Not editable, so that its size is that of what a user has.
    session.install(*others, "packaging", "pytest", "pytest-benchmark", ".")


@nox.session(python=["3.13", "3.11"], venv_backend="venv", default=False)
def peers(session: nox.Session) -> None:
    """Compare with other libraries, and train their networks with ours; `record` keeps it."""
    _install_others(session)
    record = ["--record"] if session.posargs == ["record"] else []
    compare = ["python", "-W", "ignore", "-m", "tests.peers.compare", *record]
    session.run(*compare)
    if session.python != "3.11":
        session.install("sparxml")  # last, because it needs an older JAX
        session.run(*compare, "sparxml")


@nox.session(python=["3.13", "3.11"], venv_backend="venv", default=False)
def benchmarks(session: nox.Session) -> None:
    """Time it beside other libraries; `record` keeps the times, which the site shows."""
    _install_others(session)
    name = "benchmarks-torch.json" if session.python == "3.11" else "benchmarks.json"
    folder = "docs/_data" if session.posargs == ["record"] else session.create_tmp()
    options = ["--benchmark-quiet", "--benchmark-disable-gc", "--benchmark-max-time=0.03"]
    options += ["--benchmark-min-rounds=3", "--benchmark-min-time=0.0002"]
    options += [f"--benchmark-json={folder}/{name}"]
    # glibc gives the memory of large arrays back to the system and asks for it again in the next
    # call. Where it keeps it, a time is that of the function and not of the page faults.
    keep = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_ARENA_MAX": "1"}
    run = ["-m", "pytest", "-q", "-W", "default", "--confcutdir=tests/peers"]
    session.run("python", *run, "tests/peers/test_speed.py", *options, env=keep)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Lock the newest versions of what the hosted site is built with."""
    session.install("uv")
    extras = ["--extra", "docs", "--extra", "test", "--python-version", "3.13", "--universal"]
    flags = ["--generate-hashes", "--no-header", "--quiet", "--upgrade", "--output-file", LOCK]
    session.run("uv", "pip", "compile", "pyproject.toml", *extras, *flags)


@nox.session(default=False)
def live(session: nox.Session) -> None:
    """Serve the site, and build it again whenever a page is saved."""
    session.install("-e", ".[docs]", "sphinx-autobuild")
    session.run("sphinx-autobuild", "--watch", "src", "docs", SITE)


if __name__ == "__main__":
    nox.main()
