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
    "distrax_multinomial_entropy": "there is no gradient: TypeError",
    "distrax_power_no_nan": (
        "forward mode gives NaN for negative bases, and the gradient by the exponent is NaN at 0"
    ),
    "jaxoplanet_kepler": "both results are NaN in float16; bfloat16 works",
    "numpyro_power_law": (
        "the gradients by both bounds lack a factor, the density, and one has the wrong sign"
    ),
    "optax_scale_gradient": (
        "a float32 scale makes a gradient in float32 for x in bfloat16, and a traced scale is an "
        "error"
    ),
    "optax_simplex": "there is no gradient in bfloat16: TypeError",
    "optax_softmax": "forward mode gives NaN for a logit of -inf whose label is 0",
    "ott_logsumexp": "-inf, inf and NaN become 0 if a gradient is computed",
    "ott_norm": (
        "of zeros, it is √n if a gradient is computed; one row of zeros beside others gives NaN"
    ),
    "ott_softmin": "the gradient by gamma is 0",
    "rlax_clip_gradient": (
        "bounds in float32 make a gradient in float32 for x in float16, and `vmap` over bounds "
        "is an error"
    ),
    "snnax_sigmoid": "there is no gradient: TypeError",
    "spyx_second_derivative": (
        "second derivatives use the slope of the step, 0, where they need the surrogate's"
    ),
    "tfp_bessel_kve": "NaN in z gives a number",
}
MISTAKEN = [rule for rule in RULES if rule["mistake"]]
FOUND = [rule for rule in MISTAKEN if rule["failed"]]
OTHERS = [rule for rule in RULES if not rule["mistake"]]
PASSED = [rule for rule in OTHERS if not rule["failed"] and "error" not in rule]
ACCUSED = [rule for rule in OTHERS if rule["failed"]]
NOT_TRIED = [rule for rule in OTHERS if "error" in rule and not rule["failed"]]


def programs(rules: list[dict[str, Any]]) -> set[str]:
    """The programs that show the mistakes of these rules."""
    return {rule["mistake"] for rule in rules}


tried = len(RULES)
libraries = len(LIBRARIES)
mistakes = len(programs(MISTAKEN))
by_checker = len(programs(FOUND))
by_reader = mistakes - by_checker
passed = len(PASSED)
libraries_passed = len({rule["library"] for rule in PASSED})
accused = len(ACCUSED)
not_tried = len(NOT_TRIED)
jax = ", ".join(sorted({library["jax"] for library in LIBRARIES}))
date = max(library["date"] for library in LIBRARIES)


def how_found(program: str) -> str:
    """The first check that fails, or that a reader saw it."""
    checks = [check for rule in FOUND if rule["mistake"] == program for check in rule["failed"]]
    return f"`{checks[0]}`" if checks else "a reader"


def first_of(program: str) -> dict[str, Any]:
    """The first function that is shown with a program."""
    return next(rule for rule in MISTAKEN if rule["mistake"] == program)


def table() -> Markdown:
    """The mistakes."""
    rows = []
    for program in WRONG.keys() & programs(MISTAKEN):
        rule = first_of(program)
        rows.append(
            {
                "Library": f"{rule['library']} {rule['version']}",
                "Function": f"`{rule['function']}`",
                "What is wrong": WRONG[program],
                "Found by": how_found(program),
            }
        )
    shown = pd.DataFrame(rows).sort_values(["Library", "Function"])
    return Markdown(shown.to_markdown(index=False))


def table_of_right_rules() -> Markdown:
    """How many functions of each library were tried, and passed."""
    counts = [
        {
            "Library": f"{library['library']} {library['version']}",
            "Definitions of rules": library["drawn"],
            "Functions tried": len(library["rules"]),
            "without a mistake, passed": count(PASSED, library),
            "not passed": count(ACCUSED + NOT_TRIED, library),
            "with a mistake": count(MISTAKEN, library),
        }
        for library in LIBRARIES
    ]
    return Markdown(pd.DataFrame(counts).to_markdown(index=False))


def count(rules: list[dict[str, Any]], library: dict[str, Any]) -> int:
    """How many of these rules are of a library."""
    return sum(rule["library"] == library["library"] for rule in rules)


def table_of_remarks() -> Markdown:
    """Rules without a mistake that didn't pass, and why."""
    rows = [
        {
            "Function": f"{rule['library']}: `{rule['function']}`",
            "Check": f"`{next(iter(rule['failed']), 'the description')}`",
            "Why": rule["remark"],
        }
        for rule in ACCUSED + NOT_TRIED
    ]
    return Markdown(pd.DataFrame(rows).to_markdown(index=False))


def test_each_mistake_is_shown_and_still_there() -> None:
    ran = {name: result for library in LIBRARIES for name, result in library["programs"].items()}
    assert programs(MISTAKEN) == {*ran} == {*WRONG}
    assert [name for name, result in ran.items() if not result["still_wrong"]] == []


def test_each_rule_that_was_drawn_is_described() -> None:
    assert [library["not described"] for library in LIBRARIES] == [[]] * libraries


def test_whatever_did_not_pass_has_a_reason() -> None:
    assert [rule["function"] for rule in ACCUSED + NOT_TRIED if not rule["remark"]] == []
