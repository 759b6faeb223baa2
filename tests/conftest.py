"""What the tests share: eight devices, both modes, and 64-bit JAX."""

from collections.abc import Iterator

import jax
import pytest

from relugrad import ReluGrad

# JAX can divide the CPU only before it is used.
jax.config.update("jax_num_cpu_devices", 8)  # type: ignore[no-untyped-call]

METHODS = ["__call__", *(n for n, f in vars(ReluGrad).items() if callable(f) and n[0] != "_")]


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    """Run a test that asks for it with each method that computes something."""
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["custom_vjp", "custom_jvp"])
def forward_mode(request: pytest.FixtureRequest) -> bool:
    """Run a test that asks for it in both modes."""
    return bool(request.param)


@pytest.fixture
def x64() -> Iterator[None]:
    """Switch 64-bit types on for one test."""
    # The configuration, because it is the one switch that the oldest and the newest JAX share:
    # the context manager was `jax.experimental.enable_x64` and is `jax.enable_x64`.
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    yield
    jax.config.update("jax_enable_x64", False)  # type: ignore[no-untyped-call]
