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


def test_forward_mode_is_structure() -> None:
    """It is no leaf, and survives."""
    spike = ReluGrad(forward_mode=True)
    assert jax.tree.map(lambda leaf: leaf, spike).forward_mode is True


def test_it_is_final() -> None:
    """Type checkers refuse a subclass, which would be an opaque leaf."""
    assert vars(ReluGrad)["__final__"]


def count_traces(*surrogates: ReluGrad) -> int:
    """How often one jitted function is traced for all of them."""
    traces = []

    @jax.jit
    def slope(spike: ReluGrad) -> Any:
        traces.append(spike)
        return jax.grad(lambda x: spike(x).sum())(X)

    for surrogate in surrogates:
        slope(surrogate)
    return len(traces)


def test_one_program_serves_all_values() -> None:
    """Python's and NumPy's numbers are kept as floats, so nothing is compiled again."""
    assert count_traces(ReluGrad(), ReluGrad(1, 2), ReluGrad(np.float32(2), np.array(3))) == 1


def test_the_other_mode_is_another_program() -> None:
    """The count above can differ from 1."""
    assert count_traces(ReluGrad(), ReluGrad(forward_mode=True)) == 2


def test_calls_outside_jit_share_a_program(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is compiled for another alpha or width."""
    relu_grad(X, 0.3, 1.0)
    with jax.log_compiles():
        relu_grad(X, 0.5, 2)
    assert not [record for record in caplog.records if "Compiling" in record.message]


# A value


@pytest.mark.parametrize("name", ["alpha", "extra"])
def test_attributes_are_frozen(name: str) -> None:
    """A change is another ReluGrad."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(ReluGrad(), name, 1.0)


def test_replace_checks_as_the_constructor_does() -> None:
    """It is a person's call."""
    with pytest.raises(ValueError, match=r"^alpha must be positive and finite; got -2"):
        dataclasses.replace(ReluGrad(), alpha=-2)


def test_equal_numbers_are_equal_surrogates() -> None:
    """Of whatever type the numbers are, and with an equal hash."""
    assert len({ReluGrad(1, 2), ReluGrad(1.0, np.float32(2)), ReluGrad(jnp.float32(1), 2)}) == 1


@pytest.mark.parametrize(
    "other", [ReluGrad(0.5), ReluGrad(width=0.5), ReluGrad(forward_mode=True)], ids=repr
)
def test_other_parameters_are_another_surrogate(other: ReluGrad) -> None:
    """Each of the three counts."""
    assert other != ReluGrad()


@pytest.mark.parametrize(
    "spike", [ReluGrad(0.5, 2.0), ReluGrad(forward_mode=True), ReluGrad(jnp.array([0.5, 1.0]))]
)
def test_a_pickle_is_the_same_surrogate(spike: ReluGrad) -> None:
    """Also with arrays."""
    assert repr(pickle.loads(pickle.dumps(spike))) == repr(spike)
