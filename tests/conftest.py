"""What the unit tests share: 64-bit JAX for a test that asks for it, and 32-bit for the others."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture
def x64() -> Iterator[None]:
    """Switch 64-bit types on for one test."""
    # The configuration, because it is the one switch that the oldest and the newest JAX share:
    # the context manager was `jax.experimental.enable_x64` and is `jax.enable_x64`.
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    yield
    jax.config.update("jax_enable_x64", False)  # type: ignore[no-untyped-call]
