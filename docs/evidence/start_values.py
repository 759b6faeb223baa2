"""What the sheet of start values says that no study does."""

from evidence.record import Record
from experiments.classification import fluctuation_driven

STANDARD_DEVIATIONS = [float(one) for one in fluctuation_driven(1.0, 0.02)]
rule_first, rule_later = round(STANDARD_DEVIATIONS[0], 3), round(STANDARD_DEVIATIONS[1], 2)

DEFAULT = {"model": "trained", "shape": "triangle", "peak": 0.3, "width": 1.0, "reset": "attached"}


def test_adam_is_better_than_sgd_or_within_about_a_point() -> None:
    weights = Record("initial_weights")
    for means in (
        weights.means("optimizer", *weights.recorded["by"]),
        Record("silent").means("optimizer", "network"),
        Record("series").means("optimizer", "data", **DEFAULT),
    ):
        assert (means["Adam"] - means["SGD"]).min() > -1.1
