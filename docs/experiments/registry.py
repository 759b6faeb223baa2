"""All experiments by their names, in the order in which they start: the longest first."""

from typing import Any

from experiments import catalogue, initial, online, quickstart, series
from experiments.experiment import Experiment, run
from experiments.surrogates import named, triangle

EXPERIMENTS: dict[str, Experiment] = {
    one.name: one
    for one in (
        series.EXPERIMENT,
        series.AREA,
        *catalogue.CATALOGUE,
        initial.EXPERIMENT,
        online.EXPERIMENT,
        online.GRADIENTS,
        quickstart.EXPERIMENT,
    )
}


def run_named(name: str, surrogate: str, quick: bool) -> dict[str, Any]:
    """Run an experiment, with ReluGrad if no other surrogate is named."""
    return run(EXPERIMENTS[name], named(surrogate) if surrogate else triangle, quick)
