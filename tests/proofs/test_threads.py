"""Many threads use one surrogate at once, from tracing and compiling on; each gets what one alone gets."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from relugrad import ReluGrad

THREADS = 16
X = jnp.linspace(-2, 2, 5)


def everything(spike: ReluGrad) -> list[Any]:
    """Call, differentiate, compile and sweep."""

    def slope(spike: ReluGrad) -> Any:
        return jax.grad(lambda x: spike(x).sum())(X)

    pair = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), spike)
    results = spike(X), spike.surrogate_fun(X), slope(spike), jax.jit(slope)(spike)
    return [
        np.asarray(y) for y in (*results, jax.vmap(slope)(pair), jax.jacrev(slope)(spike).alpha)
    ]


def test_threads_share_a_surrogate(forward_mode: bool) -> None:
    """Of a number and an array. None waits until another has compiled."""
    spike = ReluGrad(0.5, np.linspace(1, 2, 5), forward_mode=forward_mode)
    alone = everything(spike)
    start = threading.Barrier(THREADS)

    def work(_: int) -> list[Any]:
        start.wait()
        return everything(spike)

    jax.clear_caches()
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(work, range(THREADS)))
    for results in together:
        jax.tree.map(np.testing.assert_array_equal, results, alone)
