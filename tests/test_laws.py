"""The file with which pages let readers test a rule: the rules that the pages offer pass.

So does ReluGrad, in test_reference.py. That the file finds what is wrong in other rules is proved in
proofs/test_upstream.py.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import pytest

Function = Callable[..., Any]

DOCS = Path(__file__).parents[1] / "docs"
FILE = DOCS / "custom-derivatives/test_rule.py"


def file(**settings: Any) -> Any:
    """The file with other settings, in a module of its own: JAX remembers what a function was."""
    module: Any = ModuleType("test_rule")
    chosen, fits, rest = FILE.read_text("utf-8").partition("# Do your choices fit together?")
    exec(chosen, vars(module))  # noqa: S102 - code of our own page
    vars(module).update(settings)
    exec(fits + rest, vars(module))  # noqa: S102
    return module


def spike(rule: Function, slope: Function, **settings: Any) -> Any:
    """The file with a spike in it, a function of x and of a positive parameter if no others are set."""
    sizes = file().POINTS
    return file(
        rule=rule,
        value=lambda x, *p: (x >= 0).astype(x.dtype),
        change=lambda dx, x, *p: slope(x, *p) * dx,
        POINTS=jnp.array([sizes, -sizes[::-1]]).T,
        **{"X": jnp.array([-0.7, -0.2, 0.3, 0.9]), "BAD": [(-1.0,), (0.0,), (jnp.inf,)]} | settings,
    )


ALONE = [name for name in vars(file()) if re.match("test_(?!program|single_call)", name)]


def checks(module: Any) -> dict[str, Function]:
    """Each program, each single call, and what has a test of its own."""
    programs = {name: partial(module.test_program, name) for name in module.PROGRAMS}
    calls = {name: partial(module.test_single_call, name) for name in module.CALLS}
    return programs | calls | {name: getattr(module, name) for name in ALONE}


def check(module: Any, name: str) -> None:
    checks(module)[name]()


def page(name: str) -> str:
    return next(DOCS.glob(f"*/{name}")).read_text("utf-8")


def cells(name: str) -> list[str]:
    """The code of a page that readers see."""
    return re.findall(r"(?ms)^```\{code-cell\} python\n((?![:-]).*?)^```", page(name))


own: dict[str, Any] = {}
exec("".join(cells("peak-width-reset.md")[:2]), own)  # noqa: S102 - code of our own page


def gaussian() -> Any:
    return spike(own["surrogate"](own["slopes"]["Gaussian"]), own["slopes"]["Gaussian"])


def example(without: str = "") -> Any:
    """The file with the parts that its page shows."""
    names: dict[str, Any] = {}
    exec(page("relu_rule.py").replace(without, ""), names)  # noqa: S102
    return file(**names)


@pytest.mark.parametrize(("rule", "file"), [("root", "test_rule.py"), ("relu", "relu_rule.py")])
def test_a_rule_of_the_page_is_that_of_the_file(rule: str, file: str) -> None:
    *_, cell = [cell for cell in cells("write.md") if f"def {rule}(" in cell and "0 * " in cell]
    assert cell[cell.index("@jax") : cell.index("print(")] in page(file)


def test_the_page_shows_a_program_in_a_line_and_what_a_wrong_rule_prints() -> None:
    module, text = example(), page("test.md")
    exec(re.findall(r"(?m)^PROGRAMS\[.*", text)[0], vars(module))  # noqa: S102
    module.test_program("my layer")
    assert f"All {len(checks(example()))} tests pass" in text
    with pytest.raises(AssertionError) as raised:
        example(without=" + 0 * width").test_bad_parameter()
    assert re.sub(r"[\d\s]", "", f"{raised.value}FAILED") in re.sub(r"[\d\s]", "", text)
    with pytest.raises(AssertionError, match="POINTS need negative numbers"):
        file(X=jnp.array([-0.3, 0.8]))


@pytest.mark.parametrize("shape", own["slopes"])
def test_the_scale_in_the_table_gives_a_half_width_of_a_half(shape: str) -> None:
    """Where the slope is half of its peak of 1."""
    (scale,) = re.findall(rf"(?m)^\| {shape} .*\| ([\d.]+) \|$", page("peak-width-reset.md"))
    assert own["slopes"][shape](0.5, float(scale)) == pytest.approx(0.5, abs=0.001)
