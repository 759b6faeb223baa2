"""ReluGrad in the checks of relugrad.testing and in more programs, and rules of pages in the fast ones.

The reference is plain JAX, so nothing can go wrong there. To try another program, add a line.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import Array
from jax.sharding import Mesh, PartitionSpec
from tests.helpers import Function, each_check, rules_of_pages, spike_rule

from relugrad import relu_grad


def triangle(x: Array, alpha: Any, width: Any) -> Array:
    """Its derivative at 0, where it has a corner, is -alpha."""
    return alpha * jax.nn.relu(width - x * jnp.where(x < 0, -1, 1))


def three(parameter: Array) -> Array:
    """Multiples of it."""
    return parameter * jnp.array([0.7, 1.0, 1.6])


NOWHERE, COLUMNS = PartitionSpec(), PartitionSpec(None, "device")


def mesh(f: Function, x: Array, a: Any, w: Any, of_x: Any, of_parameters: Any) -> Any:
    """Two devices share the columns of the result, and what else is divided."""
    devices, specs = Mesh(jax.devices()[:2], "device"), (of_x, of_parameters, of_parameters)
    mapped = jax.shard_map(f, mesh=devices, in_specs=specs, out_specs=COLUMNS)
    return mapped(x, *(p * jnp.array([[1.0, 1.5]]) for p in (a, w)))


X = jnp.array([[-1.7, -0.4], [0.3, 0.8], [0.02, 1.1]])
PROGRAMS: dict[str, Function] = {
    "larger_parameters": lambda f, x, a, w: f(x, three(a)[:, None, None], w),
    "number_and_larger_parameters": lambda f, x, a, w: f(x[1, 0], a, three(w)),
    "vmap_over_last_axes": lambda f, x, a, w: jax.vmap(f, (1, None, 1), 1)(x, a, w * (1 + X**2)),
    "vmap_of_no_members": lambda f, x, a, w: jax.vmap(f, (1, None, None))(x[:0], a, w),
    "mesh_columns": partial(mesh, of_x=COLUMNS, of_parameters=COLUMNS),
    # Before JAX 0.7, it can't differentiate the reference here, either.
    "mesh_with_shared_x": partial(mesh, of_x=NOWHERE, of_parameters=COLUMNS),
    "mesh_with_shared_parameters": lambda f, x, a, w: mesh(
        lambda x, a, w: f(x, a[0, 0], w[0, 1]), x, a, w, COLUMNS, NOWHERE
    ),
}
RULES = {
    mode: spike_rule(
        partial(relu_grad, forward_mode=mode == "custom_jvp"),
        triangle,
        x=X,
        parameters=[(0.7, 1.3)],
        bad=[(0.7, bad) for bad in (-1.0, 0.0, jnp.nan, jnp.inf)] + [(-0.7, 1.3), (jnp.inf, 1.3)],
        forward_mode=mode == "custom_jvp",
        memory=True,
        programs=PROGRAMS,
    )
    for mode in ("custom_vjp", "custom_jvp")
}


@pytest.mark.parametrize("check", each_check(RULES))
def test_relugrad_passes(check: Function) -> None:
    check()


@pytest.mark.parametrize("check", each_check(rules_of_pages(), fast=True))
def test_a_rule_of_a_page_passes(check: Function) -> None:
    """The fast checks; all of them pass in tests/proofs/test_pages.py."""
    check()
