"""Dependencies are bounded below, by what is tested, and not above."""

from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

REQUIREMENTS = [Requirement(text) for text in requires("relugrad") or []]


@pytest.mark.parametrize(
    "requirement", [r for r in REQUIREMENTS if r.name != "relugrad"], ids=lambda r: str(r.name)
)
def test_lower_bound_and_no_upper_one(requirement: Requirement) -> None:
    """`nox -s oldest` runs all tests with exactly these lower bounds."""
    assert [specifier.operator for specifier in requirement.specifier] == [">="]


def test_the_package_needs_jax_alone() -> None:
    """And the NumPy that JAX needs itself. All else is for the documentation or the tests."""
    assert {r.name for r in REQUIREMENTS if r.marker is None} == {"jax", "numpy"}
    assert any(Requirement(text).name == "numpy" for text in requires("jax") or [])
