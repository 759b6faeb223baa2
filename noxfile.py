#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox[uv]"]
# ///
"""Every chore of the project. `python -m nox --list` shows them; what follows `--` selects or records."""

import filecmp
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv"
nox.options.error_on_external_run = True

LOCK = "docs/requirements.txt"
SITE = "docs/_build/html"
NIGHTLY = "https://us-python.pkg.dev/ml-oss-artifacts-published/jax-public-nightly-artifacts-registry/simple/"
RESOLUTION = {
    "lowest": ["--resolution", "lowest-direct"],
    "nightly": ["--prerelease", "allow", "--extra-index-url", NIGHTLY],
}


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site, executing all of it, and test it. `locked`: with the versions of the lock."""
    if session.posargs == ["locked"]:
        session.install("--require-hashes", "-r", LOCK)
        session.install("--no-deps", ".")
    else:
        session.install(".[docs,test]")
    shutil.rmtree("docs/_build", ignore_errors=True)
    session.run("sphinx-build", "-W", "-j", "2", "-d", "docs/_build/doctrees", "docs", SITE)
    session.run("pytest", "-q", "tests/docs/test_site.py")
    session.log(f"open {Path(SITE).resolve() / 'index.html'}")


@nox.session
def tests(session: nox.Session) -> None:
    """Run units, docstrings, README and conversations. `lowest`, `nightly`: with such packages."""
    which, arguments = [], list(session.posargs)
    if arguments and arguments[0] in RESOLUTION:
        which = RESOLUTION[arguments.pop(0)]
    session.install(*which, "-e", ".[test]")
    session.run("pytest", "--doctest-modules", *arguments)


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
    """Build what is published, twice, and try the wheel. `whole`: with the whole suite."""
    session.install("build[uv]", "check-wheel-contents", "cyclonedx-bom", "twine", "uv")
    folder = Path(session.create_tmp()).resolve()
    dist, again, bare = Path("dist").resolve(), folder / "again", folder / "bare"
    for out in (dist, again):
        shutil.rmtree(out, ignore_errors=True)
        session.run("python", "-m", "build", "--installer", "uv", "--outdir", str(out))
    wheel, sdist = map(str, sorted(dist.iterdir()))
    names = [Path(wheel).name, Path(sdist).name]
    if filecmp.cmpfiles(dist, again, names, shallow=False)[0] != names:
        session.error("the two builds differ")
    session.run("twine", "check", "--strict", wheel, sdist)
    session.run("check-wheel-contents", wheel)
    python = str(bare / "bin" / "python")  # the package and what it needs, and nothing else
    session.run("uv", "venv", "--quiet", "--clear", str(bare))
    session.run("uv", "pip", "install", "--quiet", "--python", python, wheel)
    Path("sbom").mkdir(exist_ok=True)
    bill = ["--output-reproducible", "--output-file", "sbom/relugrad.cdx.json"]
    session.run("cyclonedx-py", "environment", *bill, python)
    if session.posargs == ["whole"]:
        shutil.unpack_archive(sdist, folder, filter="data")
        session.chdir(folder / names[1].removesuffix(".tar.gz"))
        shutil.rmtree("src")  # what is tested is the wheel
        session.run("uv", "pip", "install", "--quiet", "--python", python, f"{wheel}[test]")
        tests = ["tests", "docs", "README.md"]
    else:
        session.run("uv", "pip", "install", "--quiet", "--python", python, "pytest")
        tests = ["--noconftest"]
    session.run(
        python, "-m", "pytest", *tests, "--pyargs", "relugrad", "--doctest-modules", external=True
    )


@nox.session
def proofs(session: nox.Session) -> None:
    """Prove: `coverage`, `devices`, `threads`, `flags`, `every_float`, `mutants`; `record` keeps it."""
    chosen = session.posargs or ["coverage", "devices", "flags", "every_float"]
    session.install("-e", ".[test]", "cosmic-ray")
    if "coverage" in chosen:  # the documentation alone reaches every line and branch
        reached = ["--cov=relugrad", "--cov-branch", "--cov-fail-under=100"]
        session.run("pytest", "-q", "--doctest-modules", *reached, "src", "docs", "README.md")
    for proof in ("devices", "threads"):
        if proof in chosen:
            session.run("pytest", "-q", f"tests/proofs/test_{proof}.py")
    if "flags" in chosen:  # what JAX will switch on
        flags = {"JAX_CUSTOM_VJP3": "1", "JAX_CUSTOM_JVP3": "1", "JAX_REMAT3": "1"}
        session.run("pytest", "-q", "--doctest-modules", "tests", "src", env=flags)
    for proof in ("every_float", "mutants"):
        record = ["--record", f"docs/_data/{proof}.json"] if "record" in chosen else []
        if proof in chosen:
            session.run("python", f"tests/proofs/{proof}.py", *record)


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
