"""Beside the programs of test_reference.py: export, and JAX's switches."""

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from tests.helpers import Function, close

from relugrad import ReluGrad

X = jnp.array([-2.0, -0.5, 0.25, 0.5, 2.0])


def scan(f: Function) -> Function:
    """Two steps."""
    return lambda x: jax.lax.scan(lambda _, x: (None, f(x)), None, jnp.stack([x, x]))[1].mean(0)


def grad(f: Function) -> Function:
    """The gradient of the sum."""
    return jax.grad(lambda x: f(x).sum())


def test_what_is_exported_has_its_derivative(forward_mode: bool) -> None:
    """Written to bytes, and read again."""
    exported = jax.export.export(jax.jit(ReluGrad(forward_mode=forward_mode)))(X)
    again = jax.export.deserialize(exported.serialize(vjp_order=1)).call
    np.testing.assert_array_equal(again(X), [0, 0, 1, 1, 1])
    close(grad(again)(X), [0, 0.15, 0.225, 0.15, 0])
    without = jax.export.deserialize(exported.serialize()).call
    with pytest.raises(ValueError, match="VJP"):
        grad(without)(X)


# JAX's switches


def test_strict_promotion_finds_nothing_to_say(forward_mode: bool) -> None:
    """With a width for each neuron, x of a higher or lower rank, and bfloat16."""
    spike = ReluGrad(0.5, jnp.ones(5), forward_mode=forward_mode)
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        gradient = grad(jax.jit(lambda x: spike(x)))(X[None].astype(jnp.bfloat16))
        ReluGrad(0.5, jnp.ones((2, 5)), forward_mode=forward_mode)(X)
    close(gradient.astype(jnp.float32), [[0, 0.25, 0.375, 0.25, 0]])


def test_debug_nans_without_jit_finds_nothing_to_say(method: str, forward_mode: bool) -> None:
    """Then it looks at each step, at a constant too: none of them is NaN."""
    function = getattr(ReluGrad(0.5, jnp.ones(5), forward_mode=forward_mode), method)
    x = jnp.array([-jnp.inf, -0.5, 0, 0.5, jnp.inf])
    with jax.debug_nans(True), jax.disable_jit():
        close(grad(jax.vmap(function))(jnp.stack([x, x])), [grad(function)(x)] * 2)


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["NaN in x", "bad alpha"])
@pytest.mark.parametrize("transform", [jax.jit, grad, scan])
def test_debug_nans_raises_what_can_be_caught(
    transform: Function, method: str, sign: float, forward_mode: bool
) -> None:
    """JAX's public error, and ours where it runs the call again with values that are known."""
    spike = jax.tree.map(lambda leaf: jnp.array(sign * leaf), ReluGrad(forward_mode=forward_mode))
    x = X.at[1].set(np.nan if sign > 0 else 0)
    error = pytest.raises((FloatingPointError, ValueError), match=r"invalid value|alpha must be")
    with jax.debug_nans(True), error:
        transform(getattr(spike, method))(x)
