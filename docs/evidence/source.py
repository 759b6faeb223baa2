"""What the proofs of the package recorded: each float32, and mutants."""

from experiments.record import FIELD, read

FLOATS = read(FIELD.with_name("every_float.json"))["rows"]
MUTANTS = read(FIELD.with_name("mutants.json"))
worst = round(max(row["worst_ulp"] for row in FLOATS), 2)
total, killed, equivalent = (MUTANTS[key] for key in ("mutants", "killed", "equivalent"))


def test_every_float_is_right_with_three_pairs_of_parameters() -> None:
    assert [(row["checked"], row["mismatches"]) for row in FLOATS] == [(2**32, 0)] * 3
    assert worst < 1.5


def test_each_mutant_is_caught_or_listed() -> None:
    assert MUTANTS["missed"] == 0
