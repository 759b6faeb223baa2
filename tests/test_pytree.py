"""A ReluGrad is a pytree of alpha and width, frozen, and a value while these are numbers."""

import dataclasses
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from relugrad import ReluGrad, relu_grad

X = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])


def test_the_leaves_are_alpha_and_width_by_name() -> None:
    """As key paths show them."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(ReluGrad(0.5, 2.0, forward_mode=True))
    named = {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
    assert named == {".alpha": 0.5, ".width": 2.0}


def test_one_program_serves_all_values() -> None:
    """Python's and NumPy's numbers are kept as floats, so nothing is compiled again."""
    traces = []

    @jax.jit
    def slope(spike: ReluGrad) -> Any:
        traces.append(spike)
        return jax.grad(lambda x: spike(x).sum())(X)

    for spike in [ReluGrad(), ReluGrad(1, 2), ReluGrad(np.float32(2), np.array(3))]:
        slope(spike)
    assert len(traces) == 1


def test_calls_outside_jit_share_a_program(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is compiled for another alpha or width."""
    relu_grad(X, 0.3, 1.0)
    with jax.log_compiles():
        relu_grad(X, 0.5, 2)
    assert not [record for record in caplog.records if "Compiling" in record.message]


# A value


def test_attributes_are_frozen() -> None:
    """A change is another ReluGrad."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(ReluGrad(), "alpha", 1.0)  # noqa: B010 - type checkers refuse an assignment


def test_replace_checks_as_the_constructor_does() -> None:
    """It is a person's call."""
    with pytest.raises(ValueError, match=r"^alpha must be positive and finite; got -2"):
        dataclasses.replace(ReluGrad(), alpha=-2)


def test_equal_numbers_are_equal_surrogates() -> None:
    """Of whatever type the numbers are, and with an equal hash."""
    assert len({ReluGrad(1, 2), ReluGrad(1.0, np.float32(2)), ReluGrad(jnp.float32(1), 2)}) == 1


def test_each_of_the_three_makes_another_surrogate() -> None:
    """Numbers and the mode."""
    assert ReluGrad() not in {ReluGrad(0.5), ReluGrad(width=0.5), ReluGrad(forward_mode=True)}


def test_a_pickle_is_the_same_surrogate() -> None:
    """Also with an array."""
    spike = ReluGrad(jnp.array([0.5, 1.0]), 2.0, forward_mode=True)
    assert repr(pickle.loads(pickle.dumps(spike))) == repr(spike)
