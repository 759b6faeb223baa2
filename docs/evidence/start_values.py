"""What the sheet of start values says that no study does."""

from evidence.record import Record
from experiments.classification import fluctuation_driven

STANDARD_DEVIATIONS = [float(one) for one in fluctuation_driven(1.0, 0.02)]
rule_first, rule_later = round(STANDARD_DEVIATIONS[0], 3), round(STANDARD_DEVIATIONS[1], 2)

ON_FEATURES = Record("start_values")
OF_TASK = ON_FEATURES.means("task", "hidden", "enlarged", "rate")
DIGITS = OF_TASK["digits, scaled"].round().astype(int)
frozen, frozen_small = (DIGITS["frozen", enlarged, 0.1] for enlarged in (8.0, 1.0))
BY_TASK = OF_TASK[:, "trained", 1.0, 0.01]
scaled, unscaled = (round(BY_TASK[f"wine, {how}"]) for how in ("scaled", "unscaled"))
seeds = ON_FEATURES.seeds

DEFAULT = {"model": "trained", "shape": "triangle", "peak": 0.3, "width": 1.0, "reset": "attached"}


def test_adam_is_better_than_sgd_or_within_about_a_point() -> None:
    weights = Record("initial_weights")
    for means in (
        weights.means("optimizer", *weights.recorded["by"]),
        Record("silent").means("optimizer", "network"),
        Record("series").means("optimizer", "data", **DEFAULT),
    ):
        assert (means["Adam"] - means["SGD"]).min() > -1.1


def test_the_frozen_control_needs_its_own_rate_and_larger_first_weights() -> None:
    frozen_slow = DIGITS["frozen", 8.0, 0.01]
    assert frozen - 15 > frozen_small
    assert frozen > frozen_slow + 3


def test_larger_first_weights_hardly_change_the_trained_network() -> None:
    assert abs(DIGITS["trained", 8.0, 0.01] - DIGITS["trained", 1.0, 0.01]) < 2
    assert DIGITS["trained", 1.0, 0.01] > frozen + 10


def test_scaled_features_are_learned_better() -> None:
    for task in ("digits", "wine", "breast cancer"):
        assert BY_TASK[f"{task}, scaled"] > BY_TASK[f"{task}, unscaled"] + 30
