"""The spike functions that are compared: ours, and those of other libraries."""

import sys
import types
from collections.abc import Callable
from typing import Any

import braintools
import norse.torch.functional.threshold
import snntorch.surrogate
import spikingjelly.activation_based.surrogate
import spyx

from relugrad import ReluGrad

for name in ["snnax.snn.init", "snnax.functional.functional"]:
    sys.modules[name] = types.ModuleType(name)  # which the wheel of snnax 0.0.1 lacks
import snnax.functional.surrogate

JAX: dict[str, Callable[[Any], Any]] = {
    "relugrad": ReluGrad(1.0, 1.0),
    "braintools": braintools.surrogate.ReluGrad(1.0, 1.0),
    "spyx": spyx.axn.triangular(1.0),
    "snnax": snnax.functional.surrogate.piecewise_surrogate(1.0),  # a box: it has no triangle
}
TORCH: dict[str, Callable[[Any], Any]] = {
    "norse": lambda x: norse.torch.functional.threshold.triangle_fn(x, 1.0),
    "snntorch": snntorch.surrogate.triangular(1.0),
    "spikingjelly": spikingjelly.activation_based.surrogate.PiecewiseQuadratic(1.0),
}


def one_k(_: Any, width: Any) -> Any:
    """Spyx has one parameter."""
    return spyx.axn.triangular(1 / width)


def one_beta(_: Any, width: Any) -> Any:
    """Snnax has a box and no triangle."""
    return snnax.functional.surrogate.piecewise_surrogate(width)


def one_alpha(alpha: Any, _: Any) -> Any:
    """Norse has one parameter."""
    return lambda x: norse.torch.functional.threshold.triangle_fn(x, alpha)


def one_over_width(_: Any, width: Any) -> Any:
    """SpikingJelly has one parameter."""
    return spikingjelly.activation_based.surrogate.PiecewiseQuadratic(1 / width)
