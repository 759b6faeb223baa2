"""All experiments by their names, in the order in which they start: the longest first."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments import field_tasks, neuron, online, series
from experiments.classification import AXES, trial
from experiments.experiment import DEFAULT, RESET, Experiment, cases, part, rates, run
from experiments.network import RESETS, Case
from experiments.surrogates import Surrogate, named, triangle

Settings = dict[str, Any]
DETACHED: Settings = DEFAULT | {"reset": "detached"}
ADAM = rates("Adam", 0.01, 0.03)
# A frozen network has a scale of its own, and its readout bears higher rates.
FROZEN: Settings = {"hidden": ["frozen"], "enlarged": [1.0, 2.0, 4.0, 8.0]}
FROZEN |= {"how": rates("Adam", 0.01, 0.03, 0.1)}

MIXED = {"recurrent": 0.09, "adaptive": 0.5, "beta": 1.0, "rise_attached": 1.0}
ORDER = MIXED | {"task": "temporal order", "scale": 1.0, "hidden": "trained"}
SUM = ORDER | {"task": "accumulated cues", "scale": 0.5}
SLOW = rates("Adam", 0.003, 0.01)
# With accumulated cues, 0.01 was better at no triangle.
LSNN = cases(task=[ORDER], how=SLOW) + cases(task=[SUM], how=SLOW[:1])
# Its parts alone: no neuron adapts, or all do and there are no recurrent weights.
WITHOUT = {name: of for name, of in ORDER.items() if name != "recurrent"} | {"adaptive": 1.0}
ALONE = {"LSNN": ORDER, "recurrent": ORDER | {"adaptive": 0.0}, "adaptive": WITHOUT}
TRIANGLE = ORDER | {"reset": "attached", "optimizer": "Adam", "rate": 0.01}

CUES = DETACHED | {"task": "two cues", "scale": 1.0, "hidden": "trained", "rise_attached": 1.0}
LIF, ADAPTIVE = CUES | {"layer": "lif"}, CUES | {"layer": "adaptive", "beta": 1.0}
RECURRENT = CUES | {"layer": "recurrent", "recurrent": 0.1}
SYNAPTIC = CUES | {"layer": "synaptic", "synapse": 0.97}
TRIANGLES = cases(start=[DETACHED, DEFAULT], width=[1.0, 2.0])

DEEP = DEFAULT | {"task": "digits", "layers": 3}
START: Settings = {"deep": [DEEP], "how": [*rates("Adam", 0.002, 0.01), *rates("SGD", 0.1, 0.5)]}
SCALES: Settings = {"scale": [0.02, 0.06, 0.18, 0.54], "peak": [0.3, 1.0], "width": [1.0, 2.0]}

CENTERED = DEFAULT | {"task": "digits, centered", "scale": 0.125, "peak": 1.0}
HIDDEN: Settings = {"of": [CENTERED], "layers": [1], "neurons": [8, 16, 32, 64, 256]}
EITHER = [*rates("SGD", 0.1, 0.3, 1.0, 3.0), *rates("Adam", 0.003, 0.01, 0.03, 0.1, 0.3)]

SILENT = DEEP | {"scale": 0.02, "potentials": 0.0, "lowest": 0.0, "highest": 1.0}
REMEDIES = {
    "small weights": SILENT,
    "wider support": SILENT | {"width": 2.0},
    "medium weights": SILENT | {"scale": 0.12},
    "larger weights": SILENT | {"scale": 0.25},
    "penalty on low potentials": SILENT | {"potentials": 1.0},
    "penalty on low rates": SILENT | {"lowest": 0.1},
    "larger weights with rates to 0.2": SILENT | {"scale": 0.25, "highest": 0.2},
    "larger weights with rates to 0.1": SILENT | {"scale": 0.25, "highest": 0.1},
}

NETWORKS = [
    {"network": "two cues, adaptive", "task": "two cues", "scale": 1.0, "beta": 1.0},
    {"network": "two cues, recurrent", "task": "two cues", "scale": 1.0, "recurrent": 0.1},
    {"network": "moving dot", "task": "moving dot", "scale": 0.4, "layers": 3},
    {"network": "digits", "task": "digits", "scale": 0.25},
    {"network": "digits, silent", "task": "digits", "scale": 0.02},
]
WIDTHS: Settings = {"width": [0.5, 1.0, 2.0, 4.0], "how": [*ADAM, *rates("SGD", 0.3)]}

SIXTEEN = {"task": "digits, 10 steps", "neurons": 16, "scale": 0.25}
FORMS: Settings = {"form": RESETS, "decay": [0.3, 0.5, 0.7, 0.9, 0.97], "width": [1.0, 4.0]}
FORMS |= {"digits": [SIXTEEN], "how": [*rates("SGD", 0.2, 0.8), *rates("Adam", 0.005, 0.02)]}
PEAKS = [0.3, 0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0, 5.0, 8.0]

PARTS = ["weights", "optimizer state", "potential", "decay", "surrogate", "spikes and currents"]
KEPT = {"nothing": list[str]()} | {part: [part] for part in PARTS}
KEPT |= {"all but the weights": PARTS[1:], "all": PARTS}


def rounded(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The trial, with some parts rounded to bfloat16 wherever they are stored."""

    def stored(part: str, tree: Any) -> Any:
        kept = jnp.array([part in parts for parts in KEPT.values()])[case["bfloat16"]]

        def one(a: Any) -> Any:
            if a.dtype != jnp.float32:
                return a
            return jnp.where(kept, jax.lax.reduce_precision(a, exponent_bits=8, mantissa_bits=7), a)

        return jax.tree.map(one, tree)

    parts = [("surrogate", "peak"), ("surrogate", "width"), ("decay", "decay")]
    case = {**case} | {name: stored(part, case[name]) for part, name in parts}
    return trial(drawn, case, surrogate, stored)


EXPERIMENTS = {
    "field_tasks": field_tasks.FIELD_TASKS,
    "series": series.SERIES,
    "field_tasks_longer": field_tasks.LONGER,
    "lsnn": Experiment(
        "Which peak, width and gradients does an LSNN need (Bellec et al. 2018, 2020)?",
        cases(task=LSNN, reset=RESET, width=[1.0, 2.0, 4.0], peak=[0.1, 0.3, 1.0])
        + cases(task=LSNN, cut=[{"rise_attached": 0.0}], reset=RESET[1:], width=[1.0], peak=[0.3])
        + cases(task=[ORDER, SUM], **FROZEN, start=[DEFAULT]),
        by=("task", "hidden", "rise_attached", "reset", "width", "peak"),
        seeds=12,
    ),
    "lsnn_parts": Experiment(
        "Does an LSNN need both its adaptive thresholds and its recurrent weights?",
        [
            {"layer": layer} | of | {name: task[name] for name in ("task", "scale")} | triangle
            for layer, of in ALONE.items()
            for task in (ORDER, SUM)
            for triangle in cases(start=[DEFAULT], width=[1.0, 2.0], how=SLOW)
        ],
        by=("task", "layer", "width"),
        seeds=12,
        traced={"layer": list(ALONE)},
    ),
    "two_cues": Experiment(
        "At which peaks do adaptive thresholds or recurrent weights keep a memory?",
        cases(layer=[ADAPTIVE, RECURRENT], triangle=TRIANGLES, peak=[0.1, 0.3, 1.0, 3.0], how=ADAM)
        + cases(layer=[ADAPTIVE, RECURRENT], peak=[0.3, 1.0], how=rates("SGD", 0.03, 0.1))
        + cases(layer=[LIF, SYNAPTIC], peak=[0.3, 1.0], how=ADAM)
        + cases(layer=[ADAPTIVE, RECURRENT, SYNAPTIC], **FROZEN),
        by=("layer", "hidden", "rise_attached", "reset", "width", "peak"),
    ),
    "area": series.AREA,
    "initial_weights": Experiment(
        "With which initial weights, or which normalization, does a deep network learn?",
        cases(**START, normalized=["no"], **SCALES)
        + cases(**START, normalized=AXES, scale=[0.02, 0.18]),
        by=("normalized", "scale", "peak", "width"),
        seeds=10,
        updates=400,
        outcomes=("accuracy", "before"),
    ),
    "width": Experiment(
        "Is one width good on several tasks?",
        cases(network=NETWORKS[:3], reset=RESET, peak=[0.3, 1.0], **WIDTHS)
        + cases(network=NETWORKS[3:], reset=RESET, peak=[0.3], **WIDTHS),
        by=("network", "reset", "width"),
        tuned=("peak", "optimizer", "rate"),
    ),
    "reset": Experiment(
        "At which peaks does training fail, with three forms of the reset, attached and detached?",
        cases(**FORMS, reset=["attached"], peak=PEAKS)
        + cases(**FORMS, reset=["detached"], peak=[0.3, 1.0, 4.0, 16.0]),
        by=("form", "reset", "peak"),
        tuned=(),
        seeds=4,
    ),
    "frozen_control": Experiment(
        "What does training the hidden layer add on digits, beside a linear classifier?",
        cases(**HIDDEN, hidden=["trained"], how=EITHER)
        + cases(**HIDDEN, **FROZEN)
        + cases(of=[CENTERED], layers=[0], neurons=[0], hidden=["none"], how=EITHER),
        by=("hidden", "neurons"),
    ),
    "silent": Experiment(
        "What wakes a silent network, and what does an upper bound on its firing rates cost?",
        cases(
            network=[{"network": name, **settings} for name, settings in REMEDIES.items()],
            how=[*rates("SGD", 0.1, 0.5, 2.5, 10.0), *rates("Adam", 0.002, 0.01, 0.05)],
        ),
        by=("network",),
        updates=400,
        outcomes=("accuracy", "firing", "silent", "silent_before"),
        traced={"network": list(REMEDIES)},
    ),
    "online": online.LEARNING,
    "bfloat16": Experiment(
        "Which parts of a network may be kept in bfloat16 while it learns digits?",
        cases(
            task=[{"task": "digits", "decay": 0.9}, {"task": "digits, 40 steps", "decay": 0.98}],
            bfloat16=KEPT,
            neuron=[DEFAULT | {"neurons": 20, "scale": 0.125, "peak": 0.99, "width": 1.1}],
            how=[*rates("SGD", 0.1, 0.3), *rates("Adam", 0.001, 0.003)],
        )
        + cases(bfloat16=KEPT, order=[TRIANGLE | {"peak": 0.3, "width": 2.0, "decay": 0.9}]),
        by=("bfloat16", "task"),
        trial=rounded,
        outcomes=("loss", "accuracy"),
        best="lowest",
        traced={"bfloat16": list(KEPT)},
    ),
    "neuron": neuron.NEURON,
}


def run_named(name: str, surrogate: str, quick: bool) -> dict[str, Any]:
    """Run an experiment, with ReluGrad if no other surrogate is named. `quick` is only a trial."""
    one = EXPERIMENTS[name]
    one = part(one, 5, programs=5, cases=2, seeds=2) if quick else one
    return run(one, named(surrogate) if surrogate else triangle)
