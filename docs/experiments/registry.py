"""All experiments, by their names; those that take longest come first."""

from typing import Any

from experiments import quickstart, spike_times
from experiments.experiment import Experiment, run
from experiments.surrogates import named, triangle

EXPERIMENTS: dict[str, Experiment] = {
    one.name: one for one in (spike_times.EXPERIMENT, quickstart.EXPERIMENT)
}


def run_named(name: str, surrogate: str, quick: bool) -> dict[str, Any]:
    """Run an experiment, with ReluGrad if no other surrogate is named."""
    return run(EXPERIMENTS[name], named(surrogate) if surrogate else triangle, quick)
