"""What the tests share: eight devices, both modes, 64-bit JAX, and Hypothesis that repeats itself."""

from collections.abc import Iterator

import hypothesis
import jax
import pytest

# JAX can divide the CPU only before it is used.
jax.config.update("jax_num_cpu_devices", 8)  # type: ignore[no-untyped-call]

# The same examples in every run, so that a failure is never luck. No deadline, because the first
# example of a test compiles. With `--hypothesis-profile=default` the search goes on from there.
hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],  # a mode is a constant
)
hypothesis.settings.load_profile("repeatable")


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
