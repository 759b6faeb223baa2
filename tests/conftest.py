"""What the tests share: eight devices, both modes, and 64-bit JAX."""

from collections.abc import Iterator

import jax
import pytest

# JAX can divide the CPU only before it is used.
jax.config.update("jax_num_cpu_devices", 8)  # type: ignore[no-untyped-call]


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
