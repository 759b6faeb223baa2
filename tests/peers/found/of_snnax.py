"""A derivative rule of snnax."""

import importlib.util
import sysconfig
from typing import Any

import jax
import jax.numpy as jnp
from tests.peers.found.tried import Tried

from relugrad.testing import Rule


def surrogates() -> Any:
    """The file alone: `import snnax` fails, because the wheel lacks a folder."""
    path = sysconfig.get_path("purelib") + "/snnax/functional/surrogate.py"
    spec: Any = importlib.util.spec_from_file_location("surrogate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sigmoid() -> Rule:
    """A step at 0, with the slope of a sigmoid function."""

    def change(dx: jax.Array, x: jax.Array) -> jax.Array:
        sigmoid = jax.nn.sigmoid(2 * x)
        return dx * 2 * sigmoid * (1 - sigmoid)

    return Rule(
        surrogates().sigmoid_surrogate(2.0),
        lambda x: jnp.where(x < 0, 0, 1).astype(x.dtype),
        change,
        forward_mode=True,
    )


TRIED = [
    Tried(
        "snnax.functional.sigmoid_surrogate",
        "functional/surrogate.py heaviside_with_sigmoid_surrogate",
        sigmoid,
        {"snnax_sigmoid": "points"},
    ),
]
