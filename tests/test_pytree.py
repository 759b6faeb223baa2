"""A ReluGrad is a pytree of alpha and width, frozen, and a value while these are numbers."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from relugrad import ReluGrad, relu_grad

X = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])


def test_the_leaves_are_alpha_and_width_by_name() -> None:
    """As key paths show them; the mode is kept beside them."""
    spike = ReluGrad(0.5, 2.0, forward_mode=True)
    leaves, structure = jax.tree_util.tree_flatten_with_path(spike)
    named = {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
    assert named == {".alpha": 0.5, ".width": 2.0}
    assert jax.tree.unflatten(structure, named.values()) == spike


def test_one_program_serves_all_values() -> None:
    """Python's and NumPy's numbers are kept as floats, so nothing is compiled again."""
    traces = []

    @jax.jit
    def slope(spike: ReluGrad) -> jax.Array:
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


def test_equal_numbers_and_the_mode_make_equal_surrogates() -> None:
    """Of whatever type the numbers are, and with an equal hash."""
    equal = {ReluGrad(1, 2), ReluGrad(1.0, np.float32(2)), ReluGrad(jnp.float32(1), 2)}
    others = {ReluGrad(3, 2), ReluGrad(1, 3), ReluGrad(1, 2, forward_mode=True)}
    assert (len(equal), len(equal | others)) == (1, 4)


def test_a_pickle_is_the_same_surrogate() -> None:
    """Also with an array."""
    spike = ReluGrad(jnp.array([0.5, 1.0]), 2.0, forward_mode=True)
    assert repr(pickle.loads(pickle.dumps(spike))) == repr(spike)
