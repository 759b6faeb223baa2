"""Compare ReluGrad with the triangles of other libraries, and train their networks with it.

``python tests/peers/equivalence.py`` runs it all and prints a table; ``--record FILE`` keeps what
was found, and the pages of the documentation show it. `nox -s peers` installs what this needs.
"""

import argparse
import datetime
import importlib.metadata
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import braintools
import jax
import jax.numpy as jnp
import norse.torch.functional.threshold
import numpy as np
import snntorch.surrogate
import spikingjelly.activation_based.surrogate
import spyx
import torch

from relugrad import ReluGrad

HERE = Path(__file__).parent
GRID = np.linspace(-3, 3, 100_001, dtype=np.float32)  # 0 is among them
RANDOM = np.random.default_rng(0).normal(size=(16, 32, 64)).astype(np.float32)
SAMPLE = np.linspace(-3, 3, 61, dtype=np.float32)
DTYPES = ("float32", "bfloat16", "float16")
PACKAGES = [
    *("braintools", "brainstate", "brainpy", "spyx", "snnax", "norse", "snntorch"),
    *("spikingjelly", "torch", "equinox", "flax", "jax", "numpy"),
]

_Function = Callable[[Any], Any]
_Both = tuple[np.ndarray, np.ndarray, str]


class Peer(NamedTuple):
    """A spike function of another library."""

    package: str
    call: str
    mapping: str  # (alpha, width) in terms of the call
    make: Callable[[float], _Function]
    pair: Callable[[float], tuple[float, float]]
    is_same: bool = True

    @property
    def is_torch(self) -> bool:
        """Whether it takes tensors of PyTorch."""
        return self.package in ("norse", "snntorch", "spikingjelly")


PEERS = [
    Peer(
        "braintools",
        "surrogate.ReluGrad(alpha=a, width=w), w = 2a",
        "(a, w)",
        lambda a: braintools.surrogate.ReluGrad(alpha=a, width=2 * a),
        lambda a: (a, 2 * a),
    ),
    Peer(
        "spyx",
        "axn.triangular(k=a)",
        "(a, 1/a)",
        lambda a: spyx.axn.triangular(k=a),
        lambda a: (a, 1 / a),
    ),
    Peer(
        "norse",
        "threshold.triangle_fn(x, alpha=a)",
        "(a, 1)",
        lambda a: lambda x: norse.torch.functional.threshold.triangle_fn(x, a),
        lambda a: (a, 1.0),
    ),
    Peer(
        "spikingjelly",
        "surrogate.PiecewiseQuadratic(alpha=a)",
        "(a^2, 1/a)",
        lambda a: spikingjelly.activation_based.surrogate.PiecewiseQuadratic(alpha=a),
        lambda a: (a * a, 1 / a),
    ),
    Peer(
        "snntorch",
        "surrogate.triangular(threshold=a)",
        "none",
        lambda a: snntorch.surrogate.triangular(threshold=a),
        lambda a: (a, 1.0),
        is_same=False,
    ),
]
PARAMETERS = (0.5, 1.0, 2.5)  # of each peer


def of_jax(function: _Function, x: np.ndarray, dtype: str) -> _Both:
    """The spikes and the slopes at x, and the dtype of the spikes."""
    potential = jnp.asarray(x).astype(dtype)
    spikes, pullback = jax.vjp(function, potential)
    (slopes,) = pullback(jnp.ones_like(spikes))
    return np.asarray(spikes, np.float32), np.asarray(slopes, np.float32), str(spikes.dtype)


def of_torch(function: _Function, x: np.ndarray, dtype: str) -> _Both:
    """The same of a function of PyTorch."""
    potential = torch.tensor(x).to(getattr(torch, dtype)).requires_grad_()
    spikes = function(potential)
    spikes.backward(torch.ones_like(spikes))
    assert potential.grad is not None
    name = str(spikes.dtype).removeprefix("torch.")
    return spikes.detach().float().numpy(), potential.grad.float().numpy(), name


def compare(peer: Peer) -> dict[str, Any]:
    """What the page says of it."""
    of_peer = of_torch if peer.is_torch else of_jax
    at_zero, _, _ = of_peer(peer.make(1.0), np.zeros(1, np.float32), "float32")
    at_nan, _, _ = of_peer(peer.make(1.0), np.full(1, np.nan, np.float32), "float32")
    _, sample, _ = of_peer(peer.make(1.0), SAMPLE, "float32")
    found: dict[str, Any] = {
        "package": peer.package,
        "call": peer.call,
        "mapping": peer.mapping,
        "same": peer.is_same,
        "spike at 0": at_zero.item(),
        "spike at NaN": repr(at_nan.item()),
        "pair of the sample": peer.pair(1.0),
        "sample": sample.tolist(),
        "dtypes": {},
    }
    for dtype in DTYPES:
        other_spikes, other_slopes, worst = 0, 0, 0.0
        result = ""
        for parameter in PARAMETERS:
            alpha, width = peer.pair(parameter)
            unit = float(jnp.finfo(dtype).eps) * alpha * width  # the rounding of the peak
            for x in (GRID, RANDOM):
                spikes, slopes, result = of_peer(peer.make(parameter), x, dtype)
                our_spikes, our_slopes, _ = of_jax(ReluGrad(alpha, width), x, dtype)
                rounded = np.asarray(jnp.asarray(x).astype(dtype), np.float32)
                other_spikes += int(((spikes != our_spikes) & (rounded != 0)).sum())
                difference = np.abs(slopes - our_slopes) / unit
                other_slopes += int((difference > 0).sum())
                worst = max(worst, difference.max().item())
        found["dtypes"][dtype] = {
            "result": result,
            "other spikes": other_spikes,
            "other slopes": other_slopes,
            "worst slope": worst,
        }
    return found


def trained() -> Iterator[tuple[str, dict[str, str]]]:
    """What the networks print, with the source that printed it."""
    for script in sorted(HERE.glob("train_*.py")):
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", script], capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise SystemExit(f"{script.name}: {ran.stderr}")
        name = script.stem.removeprefix("train_")
        yield name, {"source": script.read_text(encoding="utf-8"), "printed": ran.stdout}


def run() -> dict[str, Any]:
    """All of it."""
    return {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
        "points": len(GRID) + RANDOM.size,
        "parameters": PARAMETERS,
        "peers": [compare(peer) for peer in PEERS],
        "networks": dict(trained()),
    }


def main() -> None:
    """Run, print, and keep the record if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, help="where to keep what was found")
    arguments = parser.parse_args()
    found = run()
    for peer in found["peers"]:
        for dtype, row in peer["dtypes"].items():
            print(f"{peer['package']:13}{peer['call']:46}{dtype:9}", end=" ")
            print(f"spike at 0: {peer['spike at 0']:g}  NaN: {peer['spike at NaN']}", end="  ")
            print(f"other spikes {row['other spikes']}  worst slope {row['worst slope']:.3g} eps")
    for name, network in found["networks"].items():
        print(f"\n{name}\n{network['printed']}", end="")
    if arguments.record:
        arguments.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
