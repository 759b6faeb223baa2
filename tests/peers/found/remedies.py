"""Try the remedies of the report: with each, its program has to notice that the mistake is gone.

``python -m tests.peers.found.remedies optax`` copies the library, applies each patch of
docs/reports/mistakes-in-other-libraries.md to a copy, and runs the program beside it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from sysconfig import get_path

HERE = Path(__file__).parent
REPORT = HERE.parents[2] / "docs/reports/mistakes-in-other-libraries.md"
SECTION = re.compile(r"\[`(\w+)\.py`\].*?^```diff\n(.*?)^```", re.DOTALL | re.MULTILINE)


def mends(program: str, patch: str) -> bool:
    """Whether a program says that a patched copy of the library has no mistake."""
    package = patch.removeprefix("--- a/").partition("/")[0]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(Path(get_path("purelib"), package), Path(folder, package))
        apply = ["patch", "--quiet", "--strip=1"]
        subprocess.run(apply, cwd=folder, input=patch, text=True, check=True)
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", str(HERE / f"programs/{program}.py")],
            env=os.environ | {"PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    print(f"{program}:\n{ran.stdout}{ran.stderr.splitlines()[-1:]}", flush=True)
    return "mended" in ran.stderr


if __name__ == "__main__":
    prefix = sys.argv[1].split("-")[0] + "_"
    patches = SECTION.findall(REPORT.read_text("utf-8"))
    chosen = [(program, patch) for program, patch in patches if program.startswith(prefix)]
    assert chosen, f"the report has no remedy for {sys.argv[1]}"
    wrong = [program for program, patch in chosen if not mends(program, patch)]
    if wrong:
        raise SystemExit(f"not mended: {', '.join(wrong)}")
