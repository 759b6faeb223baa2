"""CPU seconds to compile networks whose time steps are a loop in Python, beside other libraries.

`python -m tests.peers.compile_time [record]` measures all. With the name of a surrogate, that of a
network, and the number of steps, it prints the seconds of one program.
"""

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from tests.peers.others import SURROGATES, Function, surroundings

FILE = Path(__file__).parents[2] / "docs/_data/compile_time.json"
LIMIT = 90  # seconds that a clock may show, of each
STEPS = [8, 16, 32, 64]

# Networks: from a spike function, the parameters, the state and the current of a step to the next
# state and the spikes.


def one_layer(spike: Function, p: Any, state: Any, current: Array) -> Any:
    """A leaky layer that loses what it fires, before it leaks."""
    (v,) = state
    v = v + current
    s = spike(v - 1.0)
    return (0.9 * (v - s),), s


def two_layers(spike: Function, p: Any, state: Any, current: Array) -> Any:
    """The first drives the second."""
    v, u = state
    v = v + current
    s = spike(v - 1.0)
    u = u + s @ p["between"]
    r = spike(u - 1.0)
    return (0.9 * v - s, 0.9 * u - r), r


def recurrent(spike: Function, p: Any, state: Any, current: Array) -> Any:
    """With a reset to zero."""
    v, s = state
    v = v + current + s @ p["back"]
    s = spike(v - 1.0)
    return (0.9 * v * (1 - s), s), s


def detached(spike: Function, p: Any, state: Any, current: Array) -> Any:
    """One layer, without a gradient through the reset."""
    (v,) = state
    v = v + current
    s = spike(v - 1.0)
    return (0.9 * (v - jax.lax.stop_gradient(s)),), s


def adaptive(spike: Function, p: Any, state: Any, current: Array) -> Any:
    """A recurrent layer whose threshold rises with each spike."""
    v, s, rise = state
    v = 0.9 * v + current + s @ p["back"]
    threshold = 1.0 + 0.2 * rise
    s = spike(v - threshold)
    return (v - s * threshold, s, 0.97 * rise + s), s


def trained(spike: Function, p: Any, state: Any, current: Array) -> Any:
    """One layer that learns its decays and thresholds."""
    (v,) = state
    v = p["decay"] * v + current
    s = spike(v - p["threshold"])
    return (v - s * p["threshold"],), s


def coupled(spike: Function, p: Any, state: Any, current: Array) -> Any:
    """Four neurons in a list, each driven by all."""
    v, spikes = state[:4], state[4:]
    fired, left = [], []
    for i in range(4):
        drive = sum(p["back"][j, i] * spikes[j] for j in range(4))
        potential = 0.9 * v[i] + current[:, i] + drive
        fired.append(spike(potential - 1.0))
        left.append(potential - fired[-1])
    return (*left, *fired), jnp.stack(fired, axis=-1)


# Each with the shapes of its state, and whether it is read out in each step.
NEURON, LAYER = (32,), (32, 64)
NETWORKS: dict[str, tuple[Function, list[tuple[int, ...]], bool]] = {
    "one layer": (one_layer, [LAYER], False),
    "two layers": (two_layers, [LAYER] * 2, False),
    "recurrent": (recurrent, [LAYER] * 2, False),
    "readout": (detached, [LAYER], True),
    "adaptive": (adaptive, [LAYER] * 3, True),
    "trained": (trained, [LAYER], False),
    "coupled": (coupled, [NEURON] * 8, False),
}


def lowered(
    spike: Function, network: str, steps: int, transform: Function = jax.value_and_grad
) -> jax.stages.Lowered:
    """A loss and its derivative, ready to be compiled."""
    step, shapes, readout = NETWORKS[network]
    inputs = jnp.ones((steps, 32, 20))
    square, vector = jnp.full((64, 64), 0.1), jnp.ones(64)
    parameters = {"in": jnp.full((20, 64), 0.1), "between": square, "back": square}
    parameters |= {"out": jnp.full((64, 3), 0.1), "decay": 0.9 * vector, "threshold": vector}

    def loss(p: Any) -> Array:
        state: Any = tuple(map(jnp.zeros, shapes))
        total, scores = jnp.zeros(()), jnp.zeros((32, 3))
        for current in inputs @ p["in"]:
            state, spikes = step(spike, p, state, current)
            total = total + spikes
            scores = 0.8 * scores + spikes @ p["out"] if readout else scores
        scores = scores if readout else total @ p["out"][: total.shape[1]]
        return -jax.nn.log_softmax(scores)[:, 0].mean()

    return jax.jit(transform(loss)).lower(parameters)


def seconds_to_compile(name: str, network: str, steps: int) -> float:
    """Of all cores together."""
    program = lowered(SURROGATES[name](), network, steps)
    start = time.process_time()
    program.compile()
    return round(time.process_time() - start, 2)


def measure_all() -> list[dict[str, Any]]:
    """Each program in a process of its own, which the limit can end."""
    rows = []
    for network in NETWORKS:
        for name in SURROGATES if network == "one layer" else ["relugrad"]:
            row: dict[str, Any] = {"network": network, "name": name}
            command = [sys.executable, "-m", "tests.peers.compile_time", name, network]
            with suppress(subprocess.TimeoutExpired):  # with more steps, it would take longer
                for steps in STEPS:
                    seconds = subprocess.check_output([*command, str(steps)], timeout=LIMIT)
                    row[str(steps)] = float(seconds)
            print(row, flush=True)
            rows.append(row)
    return rows


def main() -> None:
    """Measure one program or all."""
    if sys.argv[1:] not in ([], ["record"]):
        name, network, steps = sys.argv[1:]
        print(seconds_to_compile(name, network, int(steps)))
        return
    rows = measure_all()
    if "record" in sys.argv:
        record = surroundings() | {"limit": LIMIT, "rows": rows}
        FILE.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
