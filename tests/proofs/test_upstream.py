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
from tests.test_laws import DOCS, LAWS, Function, integral, keep, names_of

from relugrad import ReluGrad

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


# What the page on custom_vjp says of other rules than ours

page = names_of("explanation/custom-vjp.md", 5)
NEW_RULE = getattr(jax.config, "jax_custom_vjp3", False)
grad: Function = jax.grad


def test_a_plain_rule_is_wrong_under_vmap() -> None:
    """Three times too high, or an error that suggests another wrong number."""
    slope, threshold = grad(page["total"]), page["at_threshold"]
    assert slope(threshold, page["spike"]) == pytest.approx(1.8)
    if jax.__version_info__ < (0, 12):
        assert slope(threshold, page["plain"]) == pytest.approx(5.4)
        return
    with pytest.raises(ValueError, match=r"shared across the batch \(unbatched\)"):
        slope(threshold, page["plain"])
    generic: Any = jax.custom_vjp(page["step"])
    forward = lambda *arguments: (generic(*arguments), arguments)
    generic.defvjp(forward, page["backward"], generic_batching=True)
    assert slope(threshold, generic) == pytest.approx(0.9)


def test_copies_make_the_derivative_of_a_value_right() -> None:
    """In the versions of JAX that the page names, it is wrong without them."""
    right = Version(jax.__version__) < Version("0.6.2") or NEW_RULE
    assert page["as_it_is"] == pytest.approx(0.15 if right else 0.5)
    assert page["copied"] == pytest.approx(0.15)


def test_a_rule_that_calls_a_bare_step_has_another_second_derivative() -> None:
    """Through time that of its first derivative; its Hessian isn't symmetric. Alone it is the same."""
    bare = page["bare"]

    def spikes(w: Any) -> Any:
        return page["number_of_spikes"](w, bare)

    def second_spike(weights: Any) -> Any:
        return bare(weights[1] * bare(weights[0] - 1, 1.0, 1.0) - 1, 1.0, 1.0)

    first = jax.jit(grad(spikes))
    assert first(0.3) == pytest.approx(15.94, abs=0.005)
    assert grad(first)(0.3) == pytest.approx(12.78, abs=0.005)
    assert (first(0.302) - first(0.298)) / 0.004 == pytest.approx(12.78, abs=0.01)
    hessian = jax.jacrev(grad(second_spike))(jnp.array([1.2, 1.3]))
    assert abs(hessian[0, 1] - hessian[1, 0]) > 0.1
    assert grad(grad(bare))(0.3, 0.5, 1.0) == -0.5


def test_stop_gradient_adds_a_zero_that_can_be_seen() -> None:
    """By rounding, in the gradient of alpha, and where the integral overflows."""
    x, zero_first = page["x"], page["zero_first"]
    assert page["common_order"](x).tolist() == [0, 0, 2, 0, 0]
    assert zero_first(x).tolist() == page["large"](x).tolist() == [0, 0, 1, 1, 1]
    of_alpha = grad(lambda alpha: zero_first(0.25, ReluGrad(alpha, 1.0)))
    assert of_alpha(jnp.array(0.5)) > 0.7
    assert jnp.isnan(zero_first(0.5, ReluGrad(alpha=1e25, width=1e10)))
