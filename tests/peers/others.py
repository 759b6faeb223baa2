"""Other libraries' spike functions, as `triangles.toml` lists them, and what is installed of them."""

import importlib
import importlib.metadata
import platform
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from packaging.version import Version

from relugrad import ReluGrad

HERE = Path(__file__).parent
TRIANGLES: list[dict[str, Any]] = tomllib.loads((HERE / "triangles.toml").read_text())["peer"]
TORCH = ("norse", "snntorch", "spikingjelly")
PACKAGES = [
    *("relugrad", "braintools", "brainstate", "brainpy", "spyx", "sparxml", "jaxpike"),
    *("flax", "equinox"),
    *(*TORCH, "torch", "jax"),
]

Function = Callable[..., Any]


def imported(module: str) -> Any:
    """The module, or None if it isn't installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def versions() -> dict[str, str]:
    """Of what is installed here."""
    installed = {found.name.lower(): found.version for found in importlib.metadata.distributions()}
    return {name: installed[name] for name in PACKAGES if name in installed}


def surroundings() -> dict[str, Any]:
    """What a record was made with."""
    device = jax.devices()[0]
    return {
        "python": platform.python_version(),
        "device": "CPU" if device.platform == "cpu" else device.device_kind,
        "versions": versions(),
    }


def newer(recorded: dict[str, str]) -> list[str]:
    """What is installed in a newer version than when the record was made."""
    return [
        f"{name} {version} is newer than the record's {recorded[name]}"
        for name, version in versions().items()
        if Version(version) > Version(recorded.get(name, "0"))
    ]


def works(check: Callable[[], Any]) -> str:
    """Whether it is true, and raises no error."""
    try:
        return "yes" if check() else "no"
    except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError):
        return "no"


def cast(x: Any) -> Any:
    """A step as many write it."""
    return (x >= 0).astype(x.dtype)


def where(x: Any) -> Any:
    """A step that compiles sooner in a Python loop."""
    return jnp.where(x >= 0, 1.0, 0.0)


def plain(alpha: Any, width: Any, step: Function = cast) -> Function:
    """What users would write instead: a `custom_vjp` in ten lines."""
    spike = jax.custom_vjp(step)

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
    "where": lambda: plain(0.3, 1.0, where),
    "braintools": lambda: imported("braintools.surrogate").ReluGrad(),
    "spyx": lambda: imported("spyx.axn").triangular(1.0),
}
