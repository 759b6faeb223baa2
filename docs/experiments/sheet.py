"""The sheet of start values, line by line, as cases of the field's tasks."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.experiment import DEFAULT, cases, rates
from experiments.field_tasks import MADE
from experiments.surrogates import SHAPES

Settings = dict[str, Any]
SHEET = DEFAULT | {"hidden": "trained", "shape": "triangle", "neurons": 32, "layers": 2}
SHEET |= {"batch": 20, "times": 20, "decay": 0.9, "synapse": 0.0, "through": 0.0, "bias": 0.0}
# With an integer for `recurrent`, nothing recurrent is compiled.
SHEET |= {"mirrored": 1.0, "enlarged": 1.0, "late": 0.0, "recurrent": 0}
SHEET |= {"form": "subtract, then leak"}
SIGNALS = [task for task in MADE if "MNIST" in task or "Motions" in task]
SHEETS = dict.fromkeys(MADE, SHEET) | dict.fromkeys(SIGNALS, SHEET | {"recurrent": 0.3})
SHEETS |= dict.fromkeys(["Randman, 1-D", "Randman, 2-D"], SHEET | {"synapse": 0.82})
MAIN = ["Yin-Yang", "MNIST-1D", "BasicMotions", "Randman, 1-D"]

LISTED = tomllib.loads(Path(__file__).with_name("lines.toml").read_text("utf-8"))
LINES: dict[str, Settings] = LISTED["of all"] | {shape: {"shape": shape} for shape in SHAPES}
TIMES, MIRRORED = LISTED["time steps"], LISTED["mirror images"]
TRIED: dict[str, dict[str, Settings]] = {
    "Yin-Yang": LINES | TIMES | MIRRORED,
    "MNIST-1D": LINES,
    "BasicMotions": {line: LINES[line] for line in LISTED["few"]},
    "Randman, 1-D": LINES,
    "Randman, 2-D": {"no synapse": LINES["no synapse"]},
    "wine": TIMES,
    "wine, 2 features": MIRRORED,
    "breast cancer, 2 features": MIRRORED,
}
LOW, TWO, HIGH = rates("Adam", 0.001, 0.003), rates("Adam", 0.01, 0.03), rates("Adam", 0.1, 0.3)
FIVE = [*LOW, *TWO, *HIGH[:1]]
RATES = {task: [*FIVE, *rates("SGD", 0.3, 1.0, 3.0)] for task in MAIN}
RATES["Randman, 1-D"] = [*FIVE, *rates("SGD", 10.0, 30.0, 100.0)]


def changed(task: str, lines: Mapping[str, Settings], how: Sequence[Settings]) -> list[Settings]:
    """Lines of the sheet that are changed, one at a time, each network once."""
    networks = dict[str, Settings]()
    for name, line in lines.items():
        if not line or SHEETS[task] | line not in [SHEETS[task], *networks.values()]:
            networks[name] = SHEETS[task] | line
    named = [{"task": task, "changed": name} | network for name, network in networks.items()]
    return cases(network=named, how=how)


def controls(task: str, scales: Sequence[float], how: Sequence[Settings]) -> list[Settings]:
    """A frozen network with scales and rates of its own, and a linear model."""
    frozen = [{"hidden": "frozen", "enlarged": scale} for scale in scales]
    cases = [case for line in frozen for case in changed(task, {"frozen": line}, how)]
    return cases + changed(task, {"linear": {"layers": 0}}, [*TWO, *HIGH])


NOTHING: dict[str, Settings] = {"nothing": {}}
SHORT_CASES = [
    *(case for task in SHEETS for case in changed(task, NOTHING, RATES.get(task, TWO))),
    *(case for task in SHEETS for case in controls(task, (0.25, 1.0, 4.0, 16.0), HIGH)),
    *(case for task, lines in TRIED.items() for case in changed(task, lines, TWO)),
]
LARGE = {"2 layers of 128": LINES["2 layers of 128"]}
LONG_CASES = [
    *changed("Yin-Yang", NOTHING, [*LOW[1:], *TWO]),
    *changed("MNIST-1D", NOTHING, [*LOW[1:], *TWO]),
    *changed("BasicMotions", NOTHING, TWO[:1]),
    *changed("Randman, 1-D", NOTHING, [*TWO, *HIGH[:1]]),
    *(case for task in ("Yin-Yang", "Randman, 1-D") for case in changed(task, LARGE, TWO[:1])),
    *(case for task in MAIN for case in controls(task, (1.0, 4.0), HIGH[:1])),
]
