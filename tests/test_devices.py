"""Eight devices: spikes and gradients are divided as x is, and none waits for another."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from tests.helpers import Function

from relugrad import ReluGrad

REPLICATED = PartitionSpec()
DIVIDED = PartitionSpec("neurons")
OF_X = PartitionSpec("batch", "neurons")
X = np.linspace(-2, 2, 128, dtype=np.float32).reshape(16, 8)
WIDTHS = np.linspace(0.5, 2, 8, dtype=np.float32)
COLLECTIVES = "all-gather|all-reduce|all-to-all|collective-permute|reduce-scatter"


def place(value: Any, spec: PartitionSpec) -> Any:
    """The value, on four devices for the batch times two for the neurons."""
    mesh = Mesh(np.reshape(jax.devices(), (4, 2)), ("batch", "neurons"))
    return jax.device_put(value, NamedSharding(mesh, spec))


def gradient(spike: ReluGrad, x: Array) -> Array:
    """The backward pass."""
    return jax.grad(lambda x: spike(x).sum())(x)


def learn_width(spike: ReluGrad, x: Array) -> Array:
    """A gradient that devices have to add up."""
    return x * jax.grad(lambda spike: spike.surrogate_grad(x).sum())(spike).width


def collectives(function: Function, spike: ReluGrad) -> set[str]:
    """Which of them the compiled program holds; its result is divided as x is."""
    x, divided = place(X, OF_X), place(spike, DIVIDED if np.ndim(spike.width) else REPLICATED)
    compiled = jax.jit(function).lower(divided, x).compile()
    assert compiled(divided, x).sharding.is_equivalent_to(x.sharding, x.ndim)
    return set(re.findall(COLLECTIVES, compiled.as_text() or ""))


@pytest.mark.parametrize("width", [np.float32(1), WIDTHS], ids=["shared", "for each neuron"])
def test_no_device_waits_for_another(width: Any, forward_mode: bool) -> None:
    """Where the gradient of the width would make them."""
    spike = ReluGrad(np.full_like(width, 0.3), width, forward_mode=forward_mode)
    found = [collectives(f, spike) for f in (ReluGrad.__call__, gradient, learn_width)]
    assert found == [set(), set(), {"all-reduce"}]


def test_axes_may_be_explicit(forward_mode: bool) -> None:
    """Then JAX infers how each result is divided: here as x is, although the widths aren't."""
    mesh = jax.make_mesh((4, 2), ("batch", "neurons"), axis_types=(AxisType.Explicit,) * 2)
    # JAX 0.6.1 has another name for it.
    set_mesh: Function = getattr(jax, "set_mesh", None) or vars(jax.sharding)["use_mesh"]
    with set_mesh(mesh):
        x, widths = jax.device_put(X, OF_X), jax.device_put(WIDTHS, REPLICATED)
        found = gradient(ReluGrad(0.3, widths, forward_mode=forward_mode), x)
    assert found.sharding == x.sharding
    np.testing.assert_array_equal(found, gradient(ReluGrad(0.3, WIDTHS), jnp.asarray(X)))


def test_a_bad_parameter_is_found_on_any_device() -> None:
    """Divided among the devices of one process, it is known to it."""
    with pytest.raises(ValueError, match=r"^width must be positive and finite; got 0\.0$"):
        ReluGrad(0.3, place(np.arange(8, dtype=np.float32)[::-1].copy(), DIVIDED))
