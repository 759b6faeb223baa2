"""Mistakes in other libraries: what `nox -s found -- record` wrote down."""

import json
from typing import Any

import pandas as pd

from evidence.results import DATA, Markdown

LIBRARIES = [json.loads(file.read_text("utf-8")) for file in sorted(DATA.glob("found/*.json"))]
RULES: list[dict[str, Any]] = [
    rule | {key: library[key] for key in ("library", "version", "jax", "date")}
    for library in LIBRARIES
    for rule in library["rules"]
]

# What each program shows
WRONG = {
    "brax_safe_arccos": "the slope at 1, which is bounded in float32, is infinite in 16 bits",
    "distrax_power_no_nan": (
        "in forward mode, NaN for negative bases and a TypeError for integer exponents; at 0, the "
        "gradient by the exponent is NaN"
    ),
    "jaxoplanet_kepler": "NaN in float16, where bfloat16 works",
    "numpyro_integers": "no gradients if parameters are integers: TypeError",
    "numpyro_power_law": "gradients by both bounds, in size and sign",
    "optax_scale_gradient": (
        "with a scale in float32, a gradient in float32 for x in bfloat16; a traced scale is an "
        "error"
    ),
    "optax_simplex": "no gradient in bfloat16: TypeError",
    "optax_softmax": "in forward mode, NaN for a logit of -inf whose label is 0",
    "optax_softmax_labels": "after `value_and_grad`, a value's derivative by a label of 0 is 0",
    "ott_fixed_point": "gradients if the number of steps is fixed, perhaps NaN",
    "ott_logsumexp": "with a gradient, the value is 0 in place of ±inf and NaN",
    "ott_norm": (
        "with a gradient, the norm of zeros isn't 0; a row of zeros beside another gives NaN"
    ),
    "ott_softmin": "the gradient by `gamma` is 0",
    "rlax_clip_gradient": (
        "with bounds in float32, a gradient in float32 for x in float16; `vmap` over bounds is an "
        "error"
    ),
    "snnax_sigmoid": "no gradient: TypeError",
    "spyx_second_derivative": "second derivatives use the step's slope, 0, not the surrogate's",
    "tfp_bessel_kve": "a number for NaN",
}
MISTAKEN = [rule for rule in RULES if rule["mistakes"]]
OTHERS = [rule for rule in RULES if not rule["mistakes"]]
PASSED = [rule for rule in OTHERS if not rule["failed"] and "error" not in rule]
NOT_PASSED = [rule for rule in OTHERS if rule not in PASSED]


def first_of(program: str) -> dict[str, Any]:
    """The first function that has the mistake that a program shows."""
    return next(rule for rule in MISTAKEN if program in rule["mistakes"])


def check_that_finds(program: str) -> str:
    """A check that fails because of the mistake, or nothing."""
    rule = first_of(program)
    check: str = rule["mistakes"][program]
    return check if check in rule["failed"] else ""


SHOWN = sorted({program for rule in MISTAKEN for program in rule["mistakes"]})
tried = len(RULES)
libraries = len(LIBRARIES)
mistakes = len(SHOWN)
by_checker = len([program for program in SHOWN if check_that_finds(program)])
by_reader = mistakes - by_checker
passed = len(PASSED)
libraries_passed = len({rule["library"] for rule in PASSED})
not_passed = len(NOT_PASSED)
not_yet = sum(library["described"] - len(library["rules"]) for library in LIBRARIES)
jax = ", ".join(sorted({library["jax"] for library in LIBRARIES}))
date = max(library["date"] for library in LIBRARIES)


def table() -> Markdown:
    """The mistakes."""
    rows = []
    for program in SHOWN:
        rule = first_of(program)
        file = f"../../tests/peers/found/programs/{program}.py"
        check = check_that_finds(program)
        rows.append(
            {
                "Library": f"{rule['library']} {rule['version']}",
                "Function": f"`{rule['function']}`",
                "What is wrong": WRONG[program],
                "Found by": f"`{check}`" if check else "a reader",
                "Program": f"{{download}}`show it <{file}>`",
            }
        )
    return Markdown(pd.DataFrame(rows).to_markdown(index=False))


def table_of_libraries() -> Markdown:
    """How many functions of each library were tried, and passed."""
    rows = [
        {
            "Library": f"{library['library']} {library['version']}",
            "Rules in its source": library["drawn"].rpartition(" ")[2],
            "Functions": len(library["rules"]),
            "All checks passed": count(PASSED, library),
            "A mistake": count(MISTAKEN, library),
            "Other failures": count(NOT_PASSED, library),
        }
        for library in LIBRARIES
    ]
    return Markdown(pd.DataFrame(rows).to_markdown(index=False))


def count(rules: list[dict[str, Any]], library: dict[str, Any]) -> int:
    """How many of these functions are of a library."""
    return sum(rule["library"] == library["library"] for rule in rules)


def table_of_other_failures() -> Markdown:
    """Functions that fail a check, and why that isn't counted as a mistake."""
    rows = [
        {
            "Function": f"{rule['library']}: `{rule['function']}`",
            "Check": f"`{next(iter(rule['failed']), 'the description')}`",
            "Why it isn't counted": rule["remark"],
        }
        for rule in NOT_PASSED
    ]
    return Markdown(pd.DataFrame(rows).to_markdown(index=False))


def test_each_mistake_is_shown_and_still_there() -> None:
    ran = {name: result for library in LIBRARIES for name, result in library["programs"].items()}
    assert {*SHOWN} == {*ran} == {*WRONG}
    assert [name for name, result in ran.items() if not result["still_wrong"]] == []


def test_each_rule_that_was_drawn_is_described() -> None:
    missing = {library["library"]: library["not described"] for library in LIBRARIES}
    assert {name for name, rules in missing.items() if rules} <= {"brax", "jaxoplanet", "snnax"}


def test_whatever_failed_otherwise_has_a_reason() -> None:
    assert [rule["function"] for rule in NOT_PASSED if not rule["remark"]] == []
