"""What the unit tests share: 64-bit JAX for a test that asks for it; Hypothesis that repeats itself."""

from collections.abc import Iterator

import hypothesis
import jax
import pytest

# The same examples in every run, so that a failure is never luck. No deadline, because the first
# example of a test compiles. With `--hypothesis-profile=default` the search goes on from there.
hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],  # x64: always the same
)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture
def x64() -> Iterator[None]:
    """Switch 64-bit types on for one test."""
    # The configuration, because it is the one switch that the oldest and the newest JAX share:
    # the context manager was `jax.experimental.enable_x64` and is `jax.enable_x64`.
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    yield
    jax.config.update("jax_enable_x64", False)  # type: ignore[no-untyped-call]
