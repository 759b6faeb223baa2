"""A rule with a parameter, and its checks: run `pytest test_relu.py`."""

import jax
import jax.numpy as jnp
import pytest

from relugrad.testing import Rule


@jax.custom_vjp
def relu(x, width):
    result = jnp.maximum(x, 0)
    return result + jnp.asarray(0 * width, result.dtype)


def relu_forward(x, width):
    return relu(x, width), (jnp.copy(x), jnp.copy(width))


def relu_backward(residuals, cotangent):
    x, width = residuals
    slope = jax.nn.sigmoid(x / width) + 0 * width
    return (cotangent * slope).astype(cotangent.dtype), None


relu.defvjp(relu_forward, relu_backward)


def value(x, width):  # what relu returns
    return jnp.maximum(x, 0)


def change(dx, x, width):  # how much it changes: its slope times a change in x
    return dx * jax.nn.sigmoid(x / width)


RELU = Rule(
    relu,
    value,
    change,
    parameters=[(0.3,), (1.0,)],
    bad=[(jnp.nan,), (jnp.inf,)],
)


@pytest.mark.parametrize("check", RELU.checks())
def test_relu(check):
    check()
