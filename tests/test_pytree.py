"""A ReluGrad is a pytree of alpha and width, frozen, and a value while these are numbers."""

import dataclasses
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.helpers import PARAMETERS

from relugrad import ReluGrad, relu_grad

X = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])


def test_the_function_takes_what_the_class_takes() -> None:
    """In the same order, with the same defaults, and passes it on."""
    takes = inspect.signature(ReluGrad).parameters
    _, *also = inspect.signature(relu_grad).parameters.values()
    assert dict(takes) == {p.name: p for p in also}
    for name in takes:
        wrong: Any = {name: "0.5"}
        with pytest.raises(TypeError, match=f"^{name} must be "):
            relu_grad(0.5, **wrong)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_a_leaf_that_each_method_uses(name: str) -> None:
    """Under its name, also in jitted code; slope, and derivatives of spike and integral, are one."""
    x, changed = jnp.linspace(-2.125, 2.125, 35), getattr(ReluGrad, name) + 0.25
    spike = dataclasses.replace(ReluGrad(forward_mode=True), **{name: changed})
    leaves, structure = jax.tree_util.tree_flatten_with_path(spike)
    named = {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
    assert named == {f".{p}": getattr(spike, p) for p in PARAMETERS}
    assert jax.tree.unflatten(structure, named.values()) == eval(repr(spike)) == spike
    assert not np.array_equal(spike.surrogate_grad(x), ReluGrad().surrogate_grad(x)), name
    for method in (ReluGrad.__call__, ReluGrad.surrogate_fun):
        slope = jax.jit(lambda s, f=method: jax.vmap(jax.grad(lambda x: f(s, x)))(x))(spike)
        np.testing.assert_allclose(slope, spike.surrogate_grad(x), rtol=1e-6, err_msg=name)
        np.testing.assert_array_equal(jax.jit(method)(spike, x), method(spike, x), err_msg=name)


def test_one_program_serves_all_values() -> None:
    """Python's and NumPy's numbers are kept as floats, so nothing is compiled again."""
    slope: Any = jax.jit(lambda spike: jax.grad(lambda x: spike(x).sum())(X))
    for spike in [ReluGrad(), ReluGrad(1, 2), ReluGrad(np.float32(2), np.array(3))]:
        slope(spike)
    assert slope._cache_size() == 1


def test_calls_outside_jit_share_a_program(method: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is compiled for another alpha or width."""
    assert len(jax.make_jaxpr(getattr(ReluGrad(0.3, 1.0), method))(X).eqns) == 1
    getattr(ReluGrad(0.3, 1.0), method)(X)
    with jax.log_compiles():
        getattr(ReluGrad(0.5, 2), method)(X)
    assert not [record for record in caplog.records if "Compiling" in record.message]


# A value


def test_equal_numbers_and_the_mode_make_equal_surrogates() -> None:
    """Of whatever type the numbers are, and with an equal hash."""
    equal = {ReluGrad(1, 2), ReluGrad(1.0, np.float32(2)), ReluGrad(jnp.float32(1), 2)}
    others = {ReluGrad(3, 2), ReluGrad(1, 3), ReluGrad(1, 2, forward_mode=True)}
    assert (len(equal), len(equal | others)) == (1, 4)
