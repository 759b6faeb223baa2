"""ReluGrad in the programs of the file that readers download, and in some of its own.

The reference is plain JAX, so nothing can go wrong there. To try another program, add a line.
"""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import Array
from jax.sharding import Mesh, PartitionSpec
from tests.test_laws import ALONE, Function, check, spike

from relugrad import relu_grad


def triangle(x: Array, alpha: Any, width: Any) -> Array:
    """Its derivative at 0, where it has a corner, is -alpha."""
    return alpha * jax.nn.relu(width - x * jnp.where(x < 0, -1, 1))


def each(p: Any) -> Array:
    """Three of them."""
    return jnp.array([0.7, 1.0, 1.6]) * p


def mesh(f: Function, x: Array, a: Any, w: Any, of_x: Any, of_parameters: Any) -> Any:
    """Two devices share the columns of the result, and what else is divided."""
    devices, specs = Mesh(jax.devices()[:2], "device"), (of_x, of_parameters, of_parameters)
    mapped = jax.shard_map(f, mesh=devices, in_specs=specs, out_specs=COLUMNS)
    return mapped(x, *(p * jnp.array([[1.0, 1.5]]) for p in (a, w)))


NOWHERE, COLUMNS = PartitionSpec(), PartitionSpec(None, "device")
X = jnp.array([[-1.7, -0.4], [0.3, 0.8], [0.02, 1.1]])
PARAMETERS = jnp.array(0.7), jnp.array(1.3)
reverse, both = (spike(relu_grad, triangle, X=X, FORWARD_MODE=mode) for mode in (False, True))
PROGRAMS: dict[str, Function] = both.PROGRAMS | {
    "parameters that are larger": lambda f, x, a, w: f(x, each(a)[:, None, None], w),
    "a number, and larger parameters": lambda f, x, a, w: f(x[1, 0], a, each(w)),
    "vmap, last axes": lambda f, x, a, w: jax.vmap(f, (1, None, 1), 1)(x, a, w * (1 + X**2)),
    "vmap of no members": lambda f, x, a, w: jax.vmap(f, (1, None, None))(x[:0], a, w),
    "mesh": partial(mesh, of_x=COLUMNS, of_parameters=COLUMNS),
}
if jax.__version_info__ >= (0, 7):  # before, JAX can't differentiate the reference there
    PROGRAMS["mesh, a shared x"] = partial(mesh, of_x=NOWHERE, of_parameters=COLUMNS)
    PROGRAMS["mesh, shared parameters"] = lambda f, x, a, w: mesh(
        lambda x, a, w: f(x, a[0, 0], w[0, 1]), x, a, w, COLUMNS, NOWHERE
    )


@cache
def expected(name: str) -> Any:
    """Of the reference, once for both modes."""
    derivatives = partial(both.derivatives, PROGRAMS[name], both.reference)
    return jax.jit(derivatives)(X, *PARAMETERS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_spike_has_the_derivatives_of_the_reference(name: str, forward_mode: bool) -> None:
    rule = partial(relu_grad, forward_mode=forward_mode)
    derivatives = partial((both if forward_mode else reverse).derivatives, PROGRAMS[name], rule)
    both.assert_close(jax.jit(derivatives)(X, *PARAMETERS), expected(name), f"of {name!r}")


@pytest.mark.parametrize("name", ["POINTS", *ALONE])
def test_a_spike_passes(name: str, forward_mode: bool) -> None:
    rule = partial(relu_grad, width=1.0, forward_mode=forward_mode)
    check(spike(rule, partial(triangle, width=1.0)), name)
