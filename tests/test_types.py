"""Misuse is an error twice: to a type checker, and at run time for those who use none.

mypy and pyright must reject each line that ends in `ignore` comments. Where one of them finds no error
to ignore, the comment itself is its error. Complex numbers, and booleans for alpha and width, pass the
type checkers, because they are in JAX's ArrayLike, and are errors at run time alone.
"""
# mypy: warn-unused-ignores

import dataclasses
from typing import assert_type, get_type_hints

import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jax.typing import ArrayLike

from relugrad import ReluGrad, relu_grad


def test_result_is_an_array() -> None:
    """Of JAX, whatever went in."""
    assert_type(relu_grad(0.5), Array)
    assert_type(relu_grad(np.zeros(2), alpha=1, width=jnp.ones(2), forward_mode=True), Array)
    assert_type(ReluGrad()(jnp.zeros(2)), Array)
    assert_type(ReluGrad(np.ones(2), width=2.0).surrogate_grad(0.5), Array)
    assert_type(ReluGrad(forward_mode=True).surrogate_fun(np.float32(0.5)), Array)


def test_annotations_are_the_names_that_users_of_jax_know() -> None:
    """What an editor shows, and where the reference page links to."""
    parameters = {"alpha": ArrayLike, "width": ArrayLike, "forward_mode": bool}
    assert get_type_hints(relu_grad) == {"x": ArrayLike, **parameters, "return": Array}
    assert get_type_hints(ReluGrad) == parameters
    for method in [ReluGrad.__call__, ReluGrad.surrogate_grad, ReluGrad.surrogate_fun]:
        assert get_type_hints(method) == {"x": ArrayLike, "return": Array}


def test_x_of_a_wrong_type() -> None:
    """Strings, lists and None are no arrays."""
    spike = ReluGrad()
    with pytest.raises(TypeError, match="x must be"):
        relu_grad("0.5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="x must be"):
        relu_grad([0.5, 0.6])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="x must be"):
        spike(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="x must be"):
        spike.surrogate_grad("0.5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="x must be"):
        spike.surrogate_fun("0.5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="x must be"):
        relu_grad(spike)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_parameters_of_a_wrong_type() -> None:
    """A string for alpha, say from a file of settings."""
    with pytest.raises(TypeError, match="alpha must be"):
        relu_grad(0.5, alpha="0.3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="alpha must be"):
        ReluGrad(alpha="0.3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="width must be"):
        ReluGrad(width=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="forward_mode must be"):
        ReluGrad(forward_mode="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_forward_mode_by_position() -> None:
    """It is given by name, so that a call can be read."""
    with pytest.raises(TypeError, match="positional"):
        relu_grad(0.5, 0.3, 1.0, True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="positional"):
        ReluGrad(0.3, 1.0, True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_assignment_to_a_parameter() -> None:
    """Instances are immutable."""
    spike = ReluGrad()
    with pytest.raises(dataclasses.FrozenInstanceError):
        spike.alpha = 0.5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
