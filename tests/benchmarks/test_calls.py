"""One call: of a compiled function at all sizes, and outside of jit, where JAX itself is the cost."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from tests.benchmarks.contenders import JAX

SIZES = [10, 14, 18, 22, 24, 26]


def limit_forward(x: jax.Array) -> jax.Array:
    """A copy reads and writes what the forward pass reads and writes."""
    return jnp.copy(x)


def limit_backward(x: jax.Array, cotangent: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Two copies, for forward and backward pass."""
    return jnp.copy(x), jnp.copy(cotangent)


def comparison(x: jax.Array) -> jax.Array:
    """No forward pass computes less, and none that computes only this sees a NaN."""
    return (x >= 0).astype(x.dtype)


@jax.custom_vjp
def of_x_alone(x: jax.Array) -> jax.Array:
    """The same function with constants for parameters: every pair would need a program of its own."""
    return comparison(x)


of_x_alone.defvjp(
    lambda x: (comparison(x), x),
    lambda x, cotangent: (cotangent * jax.nn.relu(1 - jnp.abs(x)),),
)


FORWARD: dict[str, Callable[[Any], Any]] = {
    "limit": limit_forward,
    "comparison": comparison,
    **JAX,
}
BACKWARD: dict[str, Callable[[Any], Any]] = {"of x alone": of_x_alone, **JAX}


@pytest.mark.parametrize("name", FORWARD)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("log2", SIZES)
@pytest.mark.benchmark(group="forward")
def test_forward(benchmark: Any, name: str, dtype: str, log2: int) -> None:
    """The spikes."""
    x = jax.random.normal(jax.random.key(0), 2**log2, dtype)
    function = jax.jit(FORWARD[name])
    jax.block_until_ready(function(x))
    benchmark.extra_info.update(name=name, dtype=dtype, log2=log2)
    benchmark(lambda: jax.block_until_ready(function(x)))


@pytest.mark.parametrize("name", ["limit", *BACKWARD])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("log2", SIZES)
@pytest.mark.benchmark(group="forward and backward")
def test_forward_and_backward(benchmark: Any, name: str, dtype: str, log2: int) -> None:
    """The spikes, and the gradient for a cotangent of the same size."""
    x = jax.random.normal(jax.random.key(0), 2**log2, dtype)
    cotangent = jnp.ones_like(x)

    def both(x: jax.Array, cotangent: jax.Array) -> tuple[jax.Array, jax.Array]:
        spikes, pullback = jax.vjp(BACKWARD[name], x)
        return spikes, pullback(cotangent)[0]

    function = jax.jit(limit_backward if name == "limit" else both)
    jax.block_until_ready(function(x, cotangent))
    benchmark.extra_info.update(name=name, dtype=dtype, log2=log2)
    benchmark(lambda: jax.block_until_ready(function(x, cotangent)))


def _call(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return function


def _vmap_grad(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return jax.vmap(jax.grad(function))


@jax.jit
def _empty_of_three(x: jax.Array, alpha: jax.Array, width: jax.Array) -> jax.Array:
    del alpha, width
    return x


def empty_of_three(x: jax.Array) -> jax.Array:
    """What JAX takes for a function of x, alpha and width that computes nothing."""
    return _empty_of_three(x, ONE, ONE)


ONE = jnp.float32(1)
FIVE = jnp.linspace(-2.0, 2.0, 5)  # so few that what is measured is the way to the computation
EAGER: dict[str, tuple[Callable[..., Callable[[Any], Any]], jax.Array]] = {
    "call": (_call, FIVE),
    "jax.grad": (jax.grad, FIVE[1]),
    "vmap(grad)": (_vmap_grad, FIVE),
}
CALLED: dict[str, Callable[[Any], Any]] = {
    "empty jitted function": jax.jit(lambda x: x),
    "empty, of three arguments": empty_of_three,
    "of x alone": jax.jit(of_x_alone),
    **JAX,
}


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize("transformed", EAGER)
@pytest.mark.benchmark(group="outside of jit", max_time=2)
def test_outside_of_jit(benchmark: Any, transformed: str, name: str) -> None:
    """Called, and differentiated, from Python."""
    transform, x = EAGER[transformed]
    function = transform(CALLED[name])
    jax.block_until_ready(function(x))
    benchmark.extra_info.update(name=name, transformed=transformed)
    benchmark(lambda: jax.block_until_ready(function(x)))


@pytest.mark.parametrize("name", JAX)
@pytest.mark.benchmark(group="kept for the backward pass")
def test_kept(benchmark: Any, name: str) -> None:
    """The bytes of the residuals for each spike; the time is that of the forward pass."""
    x = jnp.linspace(-2.0, 2.0, 2**20)
    forward = jax.jit(lambda x: jax.vjp(JAX[name], x))
    _, pullback = forward(x)
    kept = sum(leaf.nbytes for leaf in jax.tree.leaves(pullback)) / x.size
    benchmark.extra_info.update(name=name, bytes_for_each_spike=round(kept, 3))
    benchmark.pedantic(lambda: jax.block_until_ready(forward(x)), rounds=5)
