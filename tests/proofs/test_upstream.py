"""Mistakes that are JAX's, and how rules as people write them fare: what a new JAX may change.

When a test fails on a new JAX, it is the page that has to be renewed.
"""

import contextlib
import inspect
import re
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax._src.interpreters import partial_eval
from packaging.version import Version
from tests.proofs.test_rules import ERRORS, rule, triangle
from tests.test_laws import DOCS, LAWS, Function, integral, keep

REPORT = (DOCS / "reports/scan-custom-vjp-residuals.md").read_text("utf-8")
BLOCKS = re.findall(r"(?ms)^```(python|text|diff)\n(.*?)^```", REPORT)
CODE, PRINTED, DIFF = (
    "".join(block for kind, block in BLOCKS[:5] if kind == wanted)
    for wanted in ("python", "text", "diff")
)


def test_the_report_shows_what_jax_prints_and_its_fix_makes_it_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the diff applied to the installed method, whatever its white space is."""
    exec(CODE, {})  # noqa: S102 - code of our own page
    assert capsys.readouterr().out == PRINTED
    lines = DIFF.splitlines()[3:]
    old, new = ("\n".join(line[1:] for line in lines if line[:1] in kept) for kept in (" -", " +"))
    method = inspect.getsource(partial_eval.JaxprTrace.process_custom_vjp_call)
    (found,) = re.findall(r"\s+".join(map(re.escape, old.split())), method)
    mended: dict[str, Any] = dict(vars(partial_eval))
    exec(f"class Mended(JaxprTrace):\n{method.replace(found, new.strip())}", mended)  # noqa: S102
    fixed = mended["Mended"].process_custom_vjp_call
    monkeypatch.setattr(partial_eval.JaxprTrace, "process_custom_vjp_call", fixed)
    exec(CODE, {})  # noqa: S102
    right = "0.29552022 0.29552022\n[0.9553365] [0.9553365]\n[1.910673] [1.910673]\n"
    assert capsys.readouterr().out == right


PLAIN: dict[str, Function] = {
    "prepared": lambda x, p: (x, p),
    "step": lambda x, p: (x >= 0).astype(x.dtype),
    "stored": lambda x, p: (x, p),
    "cast": lambda gradient, x: gradient,
}
custom_jvp = jax.custom_jvp(PLAIN["step"])


@custom_jvp.defjvp
def _pushforward(primals: Any, tangents: Any) -> Any:
    return custom_jvp(*primals), triangle(*primals) * tangents[0]


RULES: dict[str, Function] = {
    "plain": lambda: rule(**PLAIN),
    "bare step": lambda: rule(**PLAIN, called=PLAIN["step"]),
    "heaviside": lambda: rule(**PLAIN | {"step": lambda x, p: jnp.heaviside(x, 1.0)}),
    "custom_jvp": lambda: custom_jvp,
}

PAGE = (DOCS / "studies/laws.md").read_text("utf-8").replace("`", "")
ROWS = re.findall(r"^\| .* \| .* \| .* \| .*", PAGE, re.MULTILINE)  # of the one wide table
TABLE = [line.strip("| ").split(" | ") for line in ROWS]


def breaks(answer: str) -> bool:
    """Whether it is "no" in this version of JAX: "no since 0.6.2", "no before 0.12"."""
    word, when, version = (*answer.split(), "since", "0")[:3]
    return word == "no" and (Version(jax.__version__) >= Version(version)) is (when == "since")


@pytest.mark.parametrize("name", RULES)
def test_a_rule_keeps_or_breaks(name: str) -> None:
    """As the table on the page says, which has every law."""
    assert [law.lower() for law, *_ in TABLE[1:]] == list(LAWS)
    for law, *answers in TABLE[1:]:
        broken = breaks(answers[list(RULES).index(name)])
        with pytest.raises(ERRORS) if broken else contextlib.nullcontext():
            keep(law.lower(), RULES[name](), integral)
