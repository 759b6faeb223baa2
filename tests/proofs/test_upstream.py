"""JAX's mistakes, as we report them."""

import re
from typing import Any

import pytest
from tests.helpers import DOCS

REPORT = (DOCS / "reports/scan-custom-vjp-residuals.md").read_text("utf-8")


def test_the_report_shows_what_jax_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """Its fix is a patch of JAX, for those who read the report."""
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```.*?^```text\n(.*?)^```", REPORT)
    assert len(blocks) == 2
    names: dict[str, Any] = {}  # the second goes on from the first
    for code, printed in blocks:
        exec(code, names)  # noqa: S102 - code of our own page
        assert capsys.readouterr().out == printed
