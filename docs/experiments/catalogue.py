"""All experiments by their names, in the order in which they start: the longest first."""

from dataclasses import replace
from itertools import product
from typing import Any

from experiments import classification, field_tasks
from experiments.classification import DELAYS
from experiments.experiment import DEFAULT, RESET, Experiment, cases, rates
from experiments.network import RESETS

Settings = dict[str, Any]
SLOW, FAST = rates("Adam", 0.003, 0.01), rates("Adam", 0.01, 0.03)

MIXED = {"recurrent": 0.09, "adaptive": 0.5, "beta": 1.0, "rise_attached": 1.0}
ORDER: Settings = {"task": "temporal order", "scale": 1.0}
SUM: Settings = {"task": "accumulated cues", "scale": 0.5}
# With accumulated cues, 0.01 was better at no triangle.
LSNN = cases(task=[ORDER | MIXED], how=SLOW) + cases(task=[SUM | MIXED], how=SLOW[:1])
LAYERS: list[Settings] = [
    {"layer": "LSNN"} | MIXED,
    {"layer": "recurrent", "recurrent": MIXED["recurrent"]},
    {"layer": "adaptive", "adaptive": 1.0, "beta": 1.0, "rise_attached": 1.0},
    {"layer": "plain"},
]
DECAYS = [0.9, 0.97, 0.99]
CUED = [{"task": f"{n} of {delay}", "scale": 1.0} for n in (1, 2) for delay in DELAYS]

# Of a peak of 1, with a slope that falls to half of it at a distance of 1/2
AREAS = {"triangle": 1.0, "rectangle": 1.0, "Gaussian": 1.0645, "arctan": 1.5708}
AREAS |= {"fast sigmoid": 2.4142}
SURROGATES = [
    {"shape": shape, "width": width, "area": area, "peak": area / (AREAS[shape] * width)}
    for shape, width, area in product(AREAS, (0.5, 3.0), (0.25, 0.5, 1.0, 2.0))
]

CUES = [
    {"network": "two cues, adaptive", "task": "two cues", "scale": 1.0, "beta": 1.0},
    {"network": "two cues, recurrent", "task": "two cues", "scale": 1.0, "recurrent": 0.1},
]
DIGITS = {"network": "digits", "task": "digits", "scale": 0.25}
WIDTH_GRID: Settings = {"width": [0.5, 1.0, 2.0, 4.0], "how": [*FAST, *rates("SGD", 0.3)]}

SIXTEEN = {"task": "digits, 10 steps", "neurons": 16, "scale": 0.25}
RESET_GRID: Settings = {"form": RESETS, "decay": [0.5, 0.9, 0.97], "width": [1.0, 4.0]}
RESET_GRID |= {"digits": [SIXTEEN], "how": [*rates("SGD", 0.2, 0.8), *rates("Adam", 0.005, 0.02)]}
PEAKS = [0.3, 0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0, 5.0, 8.0]

CHANGED = ["Yin-Yang", "digits", "BasicMotions", "Randman, 1-D", "temporal order"]
DRAWN = ["Yin-Yang", "digits", "ItalyPowerDemand", "UnitTest", "Randman, 1-D", "two cues"]
DRAWN += ["temporal order", *field_tasks.LAST]
FIELD_TASKS = Experiment(
    "How far does a search take a network, and what do other models reach?",
    program=field_tasks,
    cases=cases(task=field_tasks.TASKS, model=field_tasks.MODELS),
    by=("task", "model"),
    tuned=(),
    outcomes=("test",),
    chosen_by="test",
    seeds=3,
    stages=(1,),
)
EXPERIMENTS = {
    "field_tasks": FIELD_TASKS,
    "field_tasks_changed": replace(
        FIELD_TASKS,
        question="What does each change add to the network that the search chooses?",
        cases=cases(task=CHANGED, model=[*field_tasks.CHANGED]),
        seeds=4,
    ),
    "field_tasks_drawn": replace(
        FIELD_TASKS,
        question="What do the best of fifty settings reach that are drawn at random?",
        cases=cases(task=DRAWN, model=field_tasks.DRAWN),
        seeds=2,
    ),
    "lsnn": Experiment(
        "Which peak, width and gradients does an LSNN need (Bellec et al. 2018, 2020)?",
        program=classification,
        cases=cases(task=LSNN, reset=RESET, width=[1.0, 2.0, 4.0], peak=[0.1, 0.3, 1.0])
        + cases(task=LSNN, cut=[{"rise_attached": 0.0} | DEFAULT]),
        by=("task", "rise_attached", "reset", "width", "peak"),
    ),
    "memory": Experiment(
        "What carries a memory over how many time steps: the decay, recurrence or adaptation?",
        program=classification,
        cases=cases(
            layer=LAYERS, task=[*CUED, ORDER, SUM], decay=DECAYS, start=[DEFAULT], how=SLOW
        ),
        by=("task", "layer", "decay"),
        labels=("layer",),
        seeds=5,
    ),
    "area": Experiment(
        "Up to which area and peak does an LSNN learn temporal order, with five shapes?",
        program=classification,
        cases=cases(surrogate=SURROGATES, task=[ORDER | MIXED], reset=["attached"], how=SLOW[1:]),
        by=("shape", "width", "area"),
        labels=("area",),
    ),
    "width": Experiment(
        "Is one width good on several tasks?",
        program=classification,
        cases=cases(network=CUES, reset=RESET, peak=[0.3, 1.0], **WIDTH_GRID)
        + cases(network=[DIGITS], reset=RESET, peak=[0.3], **WIDTH_GRID),
        by=("network", "reset", "width"),
        tuned=("peak", "optimizer", "rate"),
        labels=("network",),
    ),
    "reset": Experiment(
        "At which peaks does training fail, with three forms of the reset, attached and detached?",
        program=classification,
        cases=cases(**RESET_GRID, reset=["attached"], peak=PEAKS)
        + cases(**RESET_GRID, reset=["detached"], peak=[0.3, 1.0, 4.0, 16.0]),
        by=("form", "reset", "peak"),
        tuned=(),
        seeds=4,
    ),
}
