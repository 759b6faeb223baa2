"""Seconds to compile networks whose time steps are a loop in Python, beside other libraries.

`python -m tests.peers.compile_time [record]` measures all. With the name of a surrogate, of a network,
the number of steps and `grad` or `jvp`, it prints the seconds of one.
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
from tests.peers.others import Function, imported, plain, surroundings

FILE = Path(__file__).parents[2] / "docs/_data/compile_time.json"
LIMIT = 30  # seconds, of each
STEPS = [8, 16, 32, 64]
# Layers, recurrent, readout in each step, reset
NETWORKS: dict[str, tuple[int, bool, bool, Function]] = {
    "one layer": (1, False, False, lambda v, s: 0.9 * (v - s)),
    "two layers": (2, False, False, lambda v, s: 0.9 * v - s),
    "recurrent": (1, True, False, lambda v, s: 0.9 * v * (1 - s)),
    "readout": (1, False, True, lambda v, s: 0.9 * (v - jax.lax.stop_gradient(s))),
}
NAMES = {"grad": ["relugrad", "plain", "braintools", "spyx"], "jvp": ["relugrad", "braintools"]}


def made(name: str, mode: str) -> Any:
    """The triangle with a peak of 0.3."""
    if name == "relugrad":
        from relugrad import ReluGrad

        return ReluGrad(0.3, 1.0, forward_mode=mode == "jvp")
    if name == "spyx":
        return imported("spyx.axn").triangular(1.0)
    return (
        plain(0.3, 1.0) if name == "plain" else imported("braintools.surrogate").ReluGrad(0.3, 1.0)
    )


def seconds(name: str, network: str, steps: int, mode: str) -> float:
    """How long XLA compiles a loss and its derivative."""
    layers, recurrent, readout, reset = NETWORKS[network]
    spike, inputs = made(name, mode), jnp.ones((steps, 32, 20))
    weights = [jnp.full((20 if i == 0 else 64, 64), 0.1) for i in range(layers)]
    parameters = weights, jnp.full((64, 64), 0.1), jnp.full((64, 3), 0.1)

    def loss(parameters: Any) -> Array:
        weights, back, out = parameters
        v: list[Any] = [jnp.zeros((32, 64))] * layers
        spikes, total, scores = v[0], jnp.zeros((32, 64)), jnp.zeros((32, 3))
        currents = inputs @ weights[0]
        for current in currents:
            for i in range(layers):
                driven = spikes @ weights[i] if i else current
                potential = v[i] + driven + (spikes @ back if recurrent else 0)
                spikes = spike(potential - 1.0)
                v[i] = reset(potential, spikes)
            total = total + spikes
            scores = 0.8 * scores + spikes @ out if readout else scores
        return -jax.nn.log_softmax(scores if readout else total @ out)[:, 0].mean()

    pushed = jax.jit(lambda p: jax.jvp(loss, (p,), (p,)))
    lowered = (jax.jit(jax.value_and_grad(loss)) if mode == "grad" else pushed).lower(parameters)
    start = time.perf_counter()
    lowered.compile()
    return round(time.perf_counter() - start, 2)


def main() -> None:
    """One of them, or all."""
    if sys.argv[1:] not in ([], ["record"]):
        name, network, steps, mode = sys.argv[1:]
        return print(seconds(name, network, int(steps), mode))
    rows = []
    for (mode, names), network in product(NAMES.items(), NETWORKS):
        for name in names:
            row: dict[str, Any] = {"network": network, "mode": mode, "name": name}
            for count in STEPS:
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
    ours = [row for row in rows if row["name"] == "relugrad"]
    assert all(row.get("64", LIMIT) < 15 for row in ours)
    if sys.argv[1:]:
        FILE.write_text(
            json.dumps(surroundings() | {"limit": LIMIT, "rows": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
