"""The bug of JAX that the package is written around: the report of it, and the fix that it suggests."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
from jax._src.interpreters import partial_eval

REPORT = Path(__file__).parents[1] / "docs/explanation/scan-custom-vjp-residuals.md"
HAS_IT = jax.__version_info__ >= (0, 6, 2)
RIGHT = "0.29552022 0.29552022\n[0.9553365] [0.9553365]\n"


def _block(language: str) -> str:
    found = re.search(rf"(?ms)^```{language}\n(.*?)^```", REPORT.read_text("utf-8"))
    assert found is not None
    return found[1]


def _mended_method() -> str:
    """The installed method with the report's diff applied, whatever its white space is."""
    lines = _block("diff").splitlines()[3:]
    old, new = ("\n".join(line[1:] for line in lines if line[:1] in kept) for kept in (" -", " +"))
    method = inspect.getsource(partial_eval.JaxprTrace.process_custom_vjp_call)
    found = re.findall(r"\s+".join(map(re.escape, old.split())), method)
    assert len(found) == 1
    return method.replace(found[0], new.strip())


def test_the_report_shows_what_jax_prints_and_its_fix_makes_it_right() -> None:
    """When this fails on a new JAX, it has no such bug any more: renew the page and the report.

    Run in a Python of its own, without flags of JAX: as it is, and with the method replaced.
    """
    code, expected = _block("python"), RIGHT
    if HAS_IT:
        mended = "class Mended(JaxprTrace):\n" + _mended_method()
        mend = f"import jax._src.interpreters.partial_eval as pe\nexec({mended!r}, vars(pe))\n"
        mend += "pe.JaxprTrace.process_custom_vjp_call = pe.Mended.process_custom_vjp_call\n"
        code, expected = code + mend + code, _block("text") + RIGHT
    flags = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    run = [sys.executable, "-c", code]
    printed = subprocess.run(run, env=flags, capture_output=True, text=True, check=True).stdout
    assert printed == expected
