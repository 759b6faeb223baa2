"""The experiments on classifications: their questions, settings and ways to be read."""

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiments.classification import draw, trial
from experiments.experiment import RESET, Case, Experiment, cases, rates
from experiments.network import RESETS
from experiments.surrogates import SHAPES, Surrogate

experiment = partial(  # by default
    Experiment,
    drawn="A seed draws the weights and the data.",
    draw=draw,
    trial=trial,
    seeds=8,
    updates=500,
    outcome="accuracy",
    best="highest",
    tuned=("optimizer", "rate"),
    kept=("accuracy",),
)
DEFAULT: dict[str, Any] = {"peak": 0.3, "width": 1.0, "reset": "detached"}
ADAM = rates("Adam", 0.01, 0.03)


def with_default(*others: Case, **settings: Any) -> list[Case]:
    """The default peak, width and reset, and cases that differ in some settings."""
    return [{**DEFAULT, **settings, **other} for other in others]


reset = experiment(
    name="reset",
    question="At which peaks does training fail, with three forms of the reset, attached and "
    "detached?",
    cases=[
        case
        for how, peaks in [
            ("attached", [0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0, 5.0, 8.0]),
            ("detached", [1.0, 4.0, 16.0]),
        ]
        for case in cases(
            task=[{"task": "digits, 10 steps", "neurons": 16, "scale": 0.25}],
            form=RESETS,
            reset=[how],
            decay=[0.3, 0.5, 0.7, 0.9, 0.97],
            width=[1.0, 4.0],
            peak=peaks,
            how=[*rates("SGD", 0.2, 0.8), *rates("Adam", 0.005, 0.02)],
        )
    ],
    seeds=4,
    by=("form", "reset", "peak"),
    tuned=(),
    at_once=24,
)

LAYERS: dict[str, Any] = {"lif": {}, "synaptic": {"synapse": 0.97}, "adaptive": {"beta": 1.0}}
LAYERS["recurrent"] = {"recurrent": 0.1}
THREE = with_default({}, {"reset": "attached"}, {"width": 2.0})


def remembering(*layers: str, **settings: Any) -> Sequence[Case]:
    """Cases of these kinds of layers."""
    kinds = [{"task": "cues", "scale": 1.0, "layer": name, **LAYERS[name]} for name in layers]
    same: dict[str, Any] = {"hidden": ["trained"], "rise_attached": [1.0], "triangle": [DEFAULT]}
    return cases(kind=kinds, **same | {"how": ADAM} | settings)


memory = experiment(
    name="memory",
    question="At which peaks do layers with an adaptive threshold or recurrent weights keep their "
    "memory?",
    cases=[
        *remembering("adaptive", "recurrent", triangle=THREE, peak=[0.1, 0.3, 1.0, 3.0]),
        *remembering("adaptive", "recurrent", peak=[0.3, 1.0], how=rates("SGD", 0.03, 0.1)),
        *remembering("lif", "synaptic", peak=[0.3, 1.0]),
        *remembering("adaptive", "recurrent", "synaptic", hidden=["frozen"]),
        *remembering("adaptive", rise_attached=[0.0], triangle=THREE, peak=[0.3, 1.0]),
    ],
    seeds=12,
    by=("layer", "hidden", "rise_attached", "reset", "width", "peak"),
)

LSNN: dict[str, Any] = {
    "task": [
        {"task": "temporal order", "scale": 1.0, "recurrent": 0.09},
        {"task": "accumulated cues", "scale": 0.5, "recurrent": 0.09},
    ],
    "lsnn": [{"adaptive": 0.5, "beta": 1.0}],
    "hidden": ["trained"],
    "shape": ["triangle"],
    "rise_attached": [1.0],
    "reset": RESET,
    "width": [1.0, 2.0, 4.0],
    "peak": [0.1, 0.3, 1.0],
    "how": rates("Adam", 0.003, 0.01),
}
FROZEN: dict[str, Any] = {"hidden": ["frozen"], "reset": RESET[1:], "width": [1.0], "peak": [0.3]}
SHAPED: dict[str, Any] = {
    "task": LSNN["task"][:1],
    "shape": SHAPES,
    "reset": RESET[1:],
    "width": [1.0, 2.0],
    "how": rates("Adam", 0.01),
}
lsnn = experiment(
    name="lsnn",
    question="Which peak, which width and which gradients does a recurrent network need, half of "
    "whose neurons adapt their thresholds (LSNN; Bellec et al. 2018, 2020)?",
    cases=[
        *cases(**LSNN),
        *cases(**LSNN | {"rise_attached": [0.0], "width": [1.0], "peak": [0.3, 1.0]}),
        *cases(**LSNN | FROZEN),
        *cases(**LSNN | SHAPED),
    ],
    seeds=10,
    by=("task", "hidden", "shape", "rise_attached", "reset", "width", "peak"),
    in_turn=True,
)

width = experiment(
    name="width",
    question="Is one width good on several tasks?",
    cases=[
        case
        for name, of_task, resets, peaks in [
            ("cues, adaptive", {"task": "cues", "scale": 1.0, "beta": 1.0}, RESET[:1], [0.3, 1.0]),
            (
                "cues, recurrent",
                {"task": "cues", "scale": 1.0, "recurrent": 0.1},
                RESET[:1],
                [0.3, 1.0],
            ),
            (
                "dots, three layers",
                {"task": "dots", "scale": 0.4, "layers": 3},
                RESET[:1],
                [0.3, 1.0],
            ),
            ("digits", {"task": "digits", "scale": 0.25}, RESET, [0.3]),
            ("digits, silent", {"task": "digits", "scale": 0.02}, RESET, [0.3]),
        ]
        for case in cases(
            network=[{"network": name, **of_task}],
            reset=resets,
            peak=peaks,
            width=[0.5, 1.0, 2.0, 4.0],
            how=[*ADAM, *rates("SGD", 0.3)],
        )
    ],
    by=("network", "reset", "width"),
    tuned=("peak", "optimizer", "rate"),
)

SETTINGS = ("network", "scale", "width", "potentials", "lowest", "highest")
NETWORKS = [
    ("small weights", 0.02, 1.0, 0.0, 0.0, 1.0),
    ("wider support", 0.02, 2.0, 0.0, 0.0, 1.0),
    ("medium weights", 0.12, 1.0, 0.0, 0.0, 1.0),
    ("larger weights", 0.25, 1.0, 0.0, 0.0, 1.0),
    ("penalty on low potentials", 0.02, 1.0, 1.0, 0.0, 1.0),
    ("penalty on low rates", 0.02, 1.0, 0.0, 0.1, 1.0),
    ("larger weights with rates to 0.2", 0.25, 1.0, 0.0, 0.0, 0.2),
    ("larger weights with rates to 0.1", 0.25, 1.0, 0.0, 0.0, 0.1),
]
dead = experiment(
    name="dead",
    question="What wakes a silent network, and what does an upper bound on its firing rates cost?",
    cases=cases(
        network=with_default(
            *(dict(zip(SETTINGS, one, strict=True)) for one in NETWORKS), task="digits", layers=3
        ),
        how=[*rates("SGD", 0.1, 0.5, 2.5), *rates("Adam", 0.002, 0.01, 0.05)],
    ),
    updates=400,
    kept=("accuracy", "firing"),
    by=("network",),
    traced={"network": [name for name, *_ in NETWORKS]},
)

TRIANGLES = [{"width": w, "peak": p} for w, p in [(1.0, 0.3), (1.0, 10.0), (10.0, 0.3)]]
TIMED: dict[str, Any] = {
    "task": ["spike times"],
    "scale": [0.134],
    "hidden": ["trained"],
    "how": rates("Adam", 0.006, 0.02),
}
SAME_PEAK: dict[str, Any] = {"width": [0.1, 0.32, 1.0, 3.2, 10.0], "peak": [1.0], "reset": RESET}
spike_times = experiment(
    name="spike_times",
    question="Does a surrogate's shape matter, or its scale, where only the timing of spikes tells "
    "the class?",
    cases=[
        *cases(**TIMED, shape=["triangle", *SHAPES], **SAME_PEAK),
        *cases(**TIMED, shape=["triangle"], triangle=TRIANGLES, reset=RESET),
        *cases(**TIMED | {"hidden": ["frozen"]}, shape=["triangle"], triangle=[DEFAULT]),
    ],
    by=("shape", "hidden", "reset"),
    tuned=("width", "peak", "optimizer", "rate"),
)

digits = experiment(
    name="digits",
    question="What does training the hidden layer add on digits, by its size, beside a linear "
    "classifier?",
    cases=cases(
        network=[
            *(
                {"hidden": hidden, "neurons": n, "layers": 1}
                for hidden, n in product(["trained", "frozen"], [8, 16, 32, 64, 256])
            ),
            {"hidden": "none", "neurons": 0, "layers": 0},
        ],
        other=with_default({}, task="digits, centered", scale=0.125, peak=1.0, reset="attached"),
        how=[*rates("SGD", 0.1, 0.3, 1.0), *rates("Adam", 0.003, 0.01, 0.03)],
    ),
    by=("hidden", "neurons"),
)

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


bfloat16 = experiment(
    name="bfloat16",
    question="What of a network may be kept in bfloat16 while it learns digits: each part alone, "
    "and together?",
    drawn="A seed draws the weights, the split of the images and the batches. What is kept in "
    "bfloat16 is rounded to it wherever it is stored; all else is float32. The loss is that of the "
    "last quarter of the updates.",
    cases=cases(
        task=[{"task": "digits", "decay": 0.9}, {"task": "digits, 40 steps", "decay": 0.98}],
        bfloat16=KEPT,
        neuron=[
            DEFAULT
            | {"neurons": 20, "scale": 0.125, "peak": 0.99, "width": 1.1, "reset": "attached"}
        ],
        how=[*rates("SGD", 0.1, 0.3), *rates("Adam", 0.001, 0.003)],
    ),
    trial=rounded,
    outcome="loss",
    kept=("loss", "accuracy"),
    best="lowest",
    by=("bfloat16", "decay"),
    traced={"bfloat16": list(KEPT)},
)
CATALOGUE = [lsnn, spike_times, memory, width, dead, reset, bfloat16, digits]
