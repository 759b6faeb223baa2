"""The laws that a page offers as a file, put to rules as other people write them, and JAX's mistakes.

Right rules keep all laws, and each wrong one, of `wrong_rules.toml`, breaks one. What others keep is
what a page says. When that fails on a new JAX, it is the page that has to be renewed.
"""

import contextlib
import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import Array
from jax._src.interpreters import partial_eval
from packaging.version import Version
from tests.test_laws import DOCS, LAWS, Function, integral, keep, laws

from relugrad import relu_grad

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


# A rule of a triangle with width 1, in parts


def prepared(x: Array, p: Any) -> tuple[Array, Array]:
    p = jnp.asarray(p, "float32")
    return x, p + 0 * jnp.log(p)


def step(x: Array, p: Array) -> Array:
    x = jnp.where(jnp.isnan(p), p.astype(x.dtype), x)
    return jnp.where(x >= 0, 1, jnp.where(x < 0, 0, x))


def triangle(x: Array, p: Array) -> Array:
    return p * jax.nn.relu(1 - abs(x))


PARTS: dict[str, Function] = {
    "prepared": prepared,
    "step": step,
    "returned": lambda spikes: spikes,
    "stored": lambda x, p: (jnp.copy(x), jnp.copy(p)),
    "slope": triangle,
    "times": lambda ct, slope: ct * slope,
    "cast": lambda gradient, x: gradient.astype(x.dtype),
}


def rule(**exchanged: Function) -> Function:
    """A right one, or one with parts exchanged."""
    parts = PARTS | exchanged
    spike = jax.custom_vjp(parts["step"])

    def forward(x: Array, p: Array) -> tuple[Array, Any]:
        return parts.get("called", spike)(x, p), parts["stored"](x, p)

    def backward(residuals: Any, ct: Array) -> tuple[Array, None]:
        return parts["cast"](parts["times"](ct, parts["slope"](*residuals[:2])), ct), None

    spike.defvjp(forward, backward)
    return lambda x, p: parts["returned"](spike(*parts["prepared"](x, p)))


WRONG = tomllib.loads(Path(__file__).with_name("wrong_rules.toml").read_text("utf-8"))
ARGUMENTS = {"times": "ct, slope", "returned": "spikes", "cast": "gradient, x"}
ERRORS = AssertionError, TypeError, ValueError


@pytest.mark.parametrize(
    ("law", "part", "wrong"),
    [(law, part, wrong) for law, parts in WRONG.items() for part in parts for wrong in parts[part]],
)
def test_a_wrong_rule_breaks(law: str, part: str, wrong: str) -> None:
    """The law that is named."""
    code = f"lambda {ARGUMENTS.get(part, 'x, p')}: ({WRONG[law][part][wrong]})"
    with pytest.raises(ERRORS):
        keep(law, rule(**{part: eval(code, globals())}), laws["grad"](integral))


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
    "plain": rule(**PLAIN),
    "bare step": rule(**PLAIN, called=PLAIN["step"]),
    "heaviside": rule(**PLAIN | {"step": lambda x, p: jnp.heaviside(x, 1.0)}),
    "custom_jvp": custom_jvp,
    "right": rule(),
    "ReluGrad": lambda x, p: relu_grad(x, p, 1.0),
}

PAGE = (DOCS / "custom-derivatives/test.md").read_text("utf-8").replace("`", "")
ROWS = re.findall(r"^\| .* \| .* \| .* \| .*", PAGE, re.MULTILINE)  # of the one wide table
(_, *NAMES), *ANSWERED = [line.strip("| ").split(" | ") for line in ROWS]
ANSWERS = {(law, name): "yes" for law in LAWS for name in ("right", "ReluGrad")}
for law, *answers in ANSWERED:
    ANSWERS.update({(law.lower(), n): a for n, a in zip(NAMES, answers, strict=True)})


def breaks(answer: str) -> bool:
    """Whether it is "no" in this version of JAX: "no since 0.6.2", "no before 0.12"."""
    word, when, version = (*answer.split(), "since", "0")[:3]
    return word == "no" and (Version(jax.__version__) >= Version(version)) is (when == "since")


@pytest.mark.parametrize(("law", "name"), ANSWERS)
def test_a_rule_keeps_or_breaks(law: str, name: str) -> None:
    """As the table on the page says, which has every law."""
    assert [law.lower() for law, *_ in ANSWERED] == list(LAWS)
    with pytest.raises(ERRORS) if breaks(ANSWERS[law, name]) else contextlib.nullcontext():
        keep(law, RULES[name], laws["grad"](integral))
