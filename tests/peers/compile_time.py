"""CPU seconds to compile networks whose time steps are a loop in Python, beside other libraries.

`python -m tests.peers.compile_time [record]` measures all. With the name of a surrogate, of a network,
the number of steps and a mode, it prints the seconds of one.
"""

import json
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from tests.peers.others import Function, cast, imported, plain, surroundings

FILE = Path(__file__).parents[2] / "docs/_data/compile_time.json"
LIMIT = 90  # seconds that a clock may show, of each
STEPS, MANY = [8, 16, 32, 64], [100, 200]  # many for one layer with relugrad
NAMES = {  # by mode
    "grad": ["relugrad", "plain", "where", "braintools", "spyx"],
    "grad, forward mode": ["relugrad"],
    "jvp": ["relugrad", "braintools"],
}

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
ROWS, ALL = (32,), (32, 64)
NETWORKS: dict[str, tuple[Function, list[tuple[int, ...]], bool]] = {
    "one layer": (one_layer, [ALL], False),
    "two layers": (two_layers, [ALL] * 2, False),
    "recurrent": (recurrent, [ALL] * 2, False),
    "readout": (detached, [ALL], True),
    "adaptive": (adaptive, [ALL] * 3, True),
    "trained": (trained, [ALL], False),
    "coupled": (coupled, [ROWS] * 8, False),
}


def made(name: str, mode: str) -> Any:
    """The triangle with a peak of 0.3."""
    if name == "relugrad":
        from relugrad import ReluGrad

        return ReluGrad(0.3, 1.0, forward_mode=mode != "grad")
    if name == "spyx":
        return imported("spyx.axn").triangular(1.0)
    if name == "braintools":
        return imported("braintools.surrogate").ReluGrad(0.3, 1.0)
    return plain(0.3, 1.0, cast if name == "plain" else lambda x: jnp.where(x >= 0, 1.0, 0.0))


def lowered(name: str, network: str, steps: int, mode: str) -> jax.stages.Lowered:
    """A loss and its derivative, ready to be compiled."""
    step, shapes, readout = NETWORKS[network]
    spike, inputs = made(name, mode), jnp.ones((steps, 32, 20))
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

    def pushed(p: Any) -> Any:
        return jax.jvp(loss, (p,), (p,))

    return jax.jit(pushed if mode == "jvp" else jax.value_and_grad(loss)).lower(parameters)


def main() -> None:
    """One of them, or all."""
    if sys.argv[1:] not in ([], ["record"]):
        name, network, steps, mode = sys.argv[1:]
        program = lowered(name, network, int(steps), mode)
        start = time.process_time()  # of all cores together
        program.compile()
        return print(round(time.process_time() - start, 2))
    rows = []
    for (mode, names), network in product(NAMES.items(), NETWORKS):
        for name in names if network == "one layer" else names[:1]:
            row: dict[str, Any] = {"network": network, "mode": mode, "name": name}
            many = MANY if (network, mode, name) == ("one layer", "grad", "relugrad") else []
            for count in [*STEPS, *many]:
                run = [sys.executable, "-m", "tests.peers.compile_time", name, network]
                try:
                    done = subprocess.run(
                        [*run, str(count), mode], capture_output=True, timeout=LIMIT, check=True
                    )
                except subprocess.TimeoutExpired:
                    break  # with more steps, it would take longer
                row[str(count)] = float(done.stdout)
            print(row, flush=True)
            rows.append(row)
    if sys.argv[1:]:
        record = surroundings() | {"clock": "CPU seconds", "limit": LIMIT, "rows": rows}
        FILE.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
