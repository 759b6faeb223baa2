"""Other libraries' spike functions, as `triangles.toml` lists them, and what is installed of them."""

import importlib
import importlib.metadata
import platform
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax

from relugrad import ReluGrad

HERE = Path(__file__).parent
TRIANGLES: list[dict[str, Any]] = tomllib.loads((HERE / "triangles.toml").read_text())["peer"]
TORCH = ("norse", "snntorch", "spikingjelly")
LIBRARIES = ["braintools", "brainpy", "spyx", "sparxml", "jaxpike", *TORCH]

Function = Callable[..., Any]


def imported(module: str) -> Any:
    """The module, or None if it isn't installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def surroundings(libraries: Sequence[str] = ()) -> dict[str, Any]:
    """What a record was made with; without libraries, all that are installed."""
    versions = {}
    for name in ["relugrad", *(libraries or LIBRARIES), "jax"]:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {"python": platform.python_version(), "versions": versions}


def works(check: Callable[[], Any]) -> bool:
    """Whether it is true, and raises no error."""
    try:
        return bool(check())
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return False


def plain(alpha: Any, width: Any) -> Function:
    """What users would write instead: a `custom_vjp` in ten lines."""
    spike = jax.custom_vjp(lambda x: (x >= 0).astype(x.dtype))

    def forward(x: Any) -> Any:
        return spike(x), x

    def backward(x: Any, cotangent: Any) -> Any:
        return ((cotangent * alpha * jax.nn.relu(width - abs(x))).astype(x.dtype),)

    spike.defvjp(forward, backward)
    return spike


# What is timed, of width 1 and, but for spyx's, peak 0.3
SURROGATES: dict[str, Callable[[], Function]] = {
    "relugrad": ReluGrad,
    "plain": lambda: plain(0.3, 1.0),
    "braintools": lambda: imported("braintools.surrogate").ReluGrad(),
    "spyx": lambda: imported("spyx.axn").triangular(1.0),
}
