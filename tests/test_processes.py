"""Two processes, each with half of every batch, train a network as one does with all of it.

This file is also the program that each of the processes runs: `test_processes.py [ADDRESS RANK]`.
"""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

from relugrad import ReluGrad

STEPS, BATCH, NEURONS = 25, 64, 100


def loss(weights: list[Array], images: Array, labels: Array) -> Array:
    """Cross-entropy of a layer of LIF neurons, read out by how often each of them fires."""
    spike = ReluGrad(alpha=1.0, width=1.0)
    currents = images @ weights[0]

    def step(potential: Array, _: None) -> tuple[Array, Array]:
        potential = 0.9 * potential + currents
        fired = spike(potential - 1.0)
        return potential - fired, fired

    _, fired = jax.lax.scan(step, jnp.zeros_like(currents), length=20)
    scores = jax.nn.log_softmax(fired.mean(axis=0) @ weights[1])
    return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()


@jax.jit
def train(weights: list[Array], images: Array, labels: Array) -> Array:
    """The losses of stochastic gradient descent, one step for each batch."""

    def update(weights: list[Array], batch: tuple[Array, Array]) -> tuple[list[Array], Array]:
        value, gradients = jax.value_and_grad(loss)(weights, *batch)
        return [w - 0.5 * g for w, g in zip(weights, gradients, strict=True)], value

    return jax.lax.scan(update, weights, (images, labels))[1]


def share(array: Any, axis: int) -> Array:
    """``array``, divided along an axis; a process hands over its own part of it, and no other."""
    spec = PartitionSpec(*[None] * axis, "devices")
    part = np.split(array, jax.process_count(), axis)[jax.process_index()]
    sharding = NamedSharding(Mesh(jax.devices(), "devices"), spec)
    return jax.make_array_from_process_local_data(sharding, part)


def main(address: str = "", rank: str = "0") -> dict[str, Any]:
    """Join the other process, if there is one, and compute what the tests compare."""
    if address:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(
            address, 2, int(rank), initialization_timeout=120, coordinator_bind_address=address
        )

    images, labels = load_digits(return_X_y=True)
    images = images[: STEPS * BATCH].reshape(STEPS, BATCH, 64) / 16
    labels = labels[: STEPS * BATCH].reshape(STEPS, BATCH)
    normal = np.random.default_rng(0).standard_normal
    weights = [0.2 * normal((64, NEURONS)), 0.1 * normal((NEURONS, 10))]

    x = share(np.full((3, 8), 0.25), 1)
    widths = np.linspace(0.5, 2.0, 8)

    def own_gradients(widths: Any) -> Any:
        spikes, pullback = jax.vjp(ReluGrad(alpha=1.0, width=share(widths, 0)), x)
        (gradient,) = pullback(spikes)
        return np.hstack([part.data for part in gradient.addressable_shards]).tolist()

    bad = np.append(widths[:-1], -1.0)  # the last one is in the part of the second process
    return {
        "processes": jax.process_count(),
        "devices": jax.device_count(),
        "losses": train(weights, share(images, 1), share(labels, 1)).tolist(),
        "own gradients": own_gradients(widths),
        "beside a bad width": own_gradients(bad) if address else None,  # alone, it is an error
    }


def run(*arguments: str, **environment: str) -> dict[str, Any]:
    """What `main` returns in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", __file__, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])  # what joins the processes prints as well


# A sum over the batch is rounded otherwise when it is made of two halves. In float32 a membrane
# potential as close to the threshold as that may fire in one run and not in the other; so there
# the one process halves the batch as well, over two devices. In float64 it needs but one.
@pytest.fixture(
    scope="module",
    params=[("0", 2), ("1", 1)],
    ids=["float32, one process of two devices", "float64, one process of one device"],
)
def one_and_two(request: pytest.FixtureRequest) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What `main` returns in one process, and in each of two that are joined."""
    x64, devices = request.param
    flags = f"--xla_force_host_platform_device_count={devices}"
    one = run(JAX_ENABLE_X64=x64, XLA_FLAGS=flags)
    assert (one["processes"], one["devices"]) == (1, devices)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:{1}".format(*free.getsockname())
    joined = partial(run, address, JAX_ENABLE_X64=x64, XLA_FLAGS="")
    with ThreadPoolExecutor() as pool:
        two = list(pool.map(joined, ["0", "1"]))
    assert [(each["processes"], each["devices"]) for each in two] == [(2, 2), (2, 2)]
    return one, two


def test_losses_of_two_processes_are_those_of_one(one_and_two: Any) -> None:
    """At every step, to 1e-6; and the network learns: its loss halves."""
    one, two = one_and_two
    assert len(one["losses"]) == STEPS
    assert one["losses"][-1] < one["losses"][0] / 2
    for each in two:
        np.testing.assert_allclose(each["losses"], one["losses"], rtol=0, atol=1e-6)


def test_parameters_may_be_divided_among_processes(one_and_two: Any) -> None:
    """A process can't look at the widths of the other's neurons, and doesn't need to."""
    one, two = one_and_two
    gradients = np.hstack([each["own gradients"] for each in two])
    np.testing.assert_array_equal(gradients, one["own gradients"])


def test_a_bad_parameter_of_another_process_shows_as_nan(one_and_two: Any) -> None:
    """No process looks for it, so none raises an error; the other neurons are as they were."""
    one, two = one_and_two
    expected = np.array(one["own gradients"])
    expected[:, -1] = np.nan
    gradients = np.hstack([each["beside a bad width"] for each in two])
    np.testing.assert_array_equal(gradients, expected)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
