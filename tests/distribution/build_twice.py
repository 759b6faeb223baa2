"""Build the sdist and the wheel of the last commit, twice and apart: they must be equal to the byte.

Two folders, two masks for new files, two time zones; what they share is the commit and its date. The
wheel must hold the package and its metadata alone. Run by `nox -s distribution`.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src", "relugrad")
LARGEST_WHEEL = 30_000  # bytes


def git(*arguments: str | Path) -> str:
    """What git says of this project."""
    return subprocess.check_output(["git", *arguments], cwd=ROOT, text=True).strip()


def build(folder: Path, **environment: str) -> dict[str, bytes]:
    """The files that a build of the last commit makes, by their names."""
    source, built = folder / "source", folder / "built"
    archive = folder / "commit.tar"
    git("archive", "--output", archive, "HEAD")
    with tarfile.open(archive) as commit:
        commit.extractall(source, filter="data")
    date = git("log", "-1", "--format=%ct")
    subprocess.run(
        [sys.executable, "-m", "build", "--installer", "uv", "--outdir", built, source],
        env=os.environ | {"SOURCE_DATE_EPOCH": date} | environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return {file.name: file.read_bytes() for file in sorted(built.iterdir())}


def check_wheel(wheel: Path) -> None:
    """Small, and nothing but the files of the package in it."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = git("ls-tree", "-r", "--name-only", "HEAD", PACKAGE).splitlines()
    package = {str(Path(file).relative_to("src").as_posix()) for file in files}
    assert names == package, names ^ package
    size = wheel.stat().st_size
    assert size < LARGEST_WHEEL, f"{size:,} bytes"
    print(f"{wheel.name}: {size:,} bytes, {len(names)} files of the package")


def check_tag(version: str) -> None:
    """A tag, where there is one, says the version that is built."""
    if os.environ.get("GITHUB_REF_TYPE") == "tag":
        tag = os.environ["GITHUB_REF_NAME"]
        assert tag == f"v{version}", f"tag {tag}, version {version}"


def main(output: Path) -> None:
    """Build, compare, and keep the files in ``output``."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        os.umask(0o022)
        once = build(Path(first), TZ="UTC")
        os.umask(0o077)
        again = build(Path(second), TZ="Pacific/Auckland")
        os.umask(0o022)
    assert len(once) == 2
    assert once.keys() == again.keys()
    different = [name for name in once if once[name] != again[name]]
    assert different == [], f"builds differ: {different}"

    output.mkdir(exist_ok=True)
    for file in output.iterdir():
        file.unlink()
    for name, content in once.items():
        (output / name).write_bytes(content)
    (wheel,) = output.glob("*.whl")
    check_wheel(wheel)
    version = wheel.name.split("-")[1]
    check_tag(version)
    print(f"relugrad {version}: two builds of {git('rev-parse', '--short', 'HEAD')} are equal")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
