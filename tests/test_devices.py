"""On eight devices: spikes and gradients are sharded as x is, and no device waits for another.

The devices are the CPU, divided into eight by a flag that JAX reads when it starts. So this file
is a program as well: it compiles and runs every case and prints what it saw. The tests run it once.
"""

import json
import operator
import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from typing import Any

import jax
import numpy as np
import pytest
from jax import Array, lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from relugrad import ReluGrad, relu_grad

try:
    from jax import shard_map
except ImportError:  # the oldest JAX
    from jax.experimental.shard_map import shard_map  # type: ignore[no-redef]

Function = Callable[[ReluGrad, Array], Array]

AXES = ("batch", "neurons")
OF_X = PartitionSpec(*AXES)
X = np.linspace(-2, 2, 128, dtype=np.float32).reshape(16, 8)


def call_relu_grad(spike: ReluGrad, x: Array) -> Array:
    """The function, with the parameters and the mode of ``spike``."""
    return relu_grad(x, spike.alpha, spike.width, forward_mode=spike.forward_mode)


def backward(function: Function) -> Function:
    """The gradient in x, with x as the cotangent."""

    def gradient(spike: ReluGrad, x: Array) -> Array:
        of_spike, of_x = jax.vjp(function, spike, x)[1](x)
        # The gradients in alpha and width are 0. They are used here, so that a sum over devices
        # that only they ask for would stay in the program.
        return jax.tree.reduce(operator.add, of_spike, of_x)

    return gradient


def learn_alpha(spike: ReluGrad, x: Array) -> Array:
    """A gradient that the devices have to add up, because they share alpha, times x."""

    def slopes(spike: ReluGrad) -> Array:
        return spike.surrogate_grad(x).sum()

    return x * jax.grad(slopes)(spike).alpha


def transpose(spike: ReluGrad, x: Array) -> Array:
    """The array x with its axes, and so its sharding, exchanged."""
    return x.T


def shards(function: Function, mesh: Mesh, of_spike: PartitionSpec) -> Function:
    """``function`` under `shard_map`: each device calls it with its own part of the arguments."""
    return shard_map(function, mesh=mesh, in_specs=(of_spike, OF_X), out_specs=OF_X)


MESHES: dict[str, Callable[[], Mesh]] = {
    "Mesh": lambda: Mesh(np.reshape(jax.devices(), (4, 2)), AXES),
    # In newer versions of JAX its axes are explicit: the sharding is a part of an array's type.
    "make_mesh": lambda: jax.make_mesh((4, 2), AXES),
}
PARAMETERS: dict[str, tuple[Any, PartitionSpec]] = {
    "replicated": (np.float32(0.5), PartitionSpec()),
    "per-neuron": (np.linspace(0.5, 2, 8, dtype=np.float32), PartitionSpec("neurons")),
}
MODES = {"custom_vjp": False, "custom_jvp": True}
FUNCTIONS: dict[str, Function] = {"relu_grad": call_relu_grad, "ReluGrad": ReluGrad.__call__}
PROGRAMS: dict[str, Callable[..., Function]] = {
    "forward": lambda function, *mesh: function,
    "backward": lambda function, *mesh: backward(function),
    "forward-under-shard_map": lambda function, *mesh: shards(function, *mesh),
    "backward-under-shard_map": lambda function, *mesh: shards(backward(function), *mesh),
    "backward-of-shard_map": lambda function, *mesh: backward(shards(function, *mesh)),
}
CASES = ["/".join(names) for names in product(MESHES, PARAMETERS, MODES, FUNCTIONS, PROGRAMS)]

# What no case may hold. Each of these does, and has to be seen to.
COLLECTIVES: dict[str, Function] = {
    "all-gather": lambda spike, x: x - lax.all_gather(x, "batch").max(0),
    "all-reduce": lambda spike, x: x - lax.pmean(x, "batch"),
    "all-to-all": lambda spike, x: lax.all_to_all(x, "batch", 0, 0, tiled=True),
    "collective-permute": lambda spike, x: lax.pshuffle(x, "batch", [1, 2, 3, 0]),
    "reduce-scatter": lambda spike, x: lax.psum_scatter(x, "batch", tiled=True),
}
# Nor these two, of which there is none here to be seen.
NAMES = [*COLLECTIVES, "collective-broadcast", "ragged-all-to-all"]


def look(program: Function, spike: ReluGrad, x: Array) -> tuple[Array, dict[str, Any]]:
    """The result of the compiled program; which collectives it holds; whether x keeps its shards."""
    compiled = jax.jit(program).lower(spike, x).compile()
    result = compiled(spike, x)
    return result, {
        "collectives": sorted(set(re.findall("|".join(NAMES), compiled.as_text() or ""))),
        "sharded as x": result.sharding.is_equivalent_to(x.sharding, x.ndim),
    }


def place(mesh: str, parameters: str, mode: str) -> tuple[ReluGrad, Array, Mesh, PartitionSpec]:
    """A surrogate and x on the mesh, the mesh, and how the surrogate is sharded over it."""
    devices, (values, of_spike) = MESHES[mesh](), PARAMETERS[parameters]
    spike = ReluGrad(values, 2 * values, forward_mode=MODES[mode])
    spike = jax.device_put(spike, NamedSharding(devices, of_spike))
    return spike, jax.device_put(X, NamedSharding(devices, OF_X)), devices, of_spike


def sweep_one_x(mesh: str, mode: str, *, is_mapped: bool) -> bool:
    """Whether surrogates divided among the devices, and an x that is not, give the gradient of one."""
    spike, _, devices, of_spike = place(mesh, "per-neuron", mode)
    x = jax.device_put(np.float32(0.25), NamedSharding(devices, PartitionSpec()))

    def spikes(spike: ReluGrad, x: Array) -> Array:
        return spike(x)

    mapped = shard_map(
        spikes, mesh=devices, in_specs=(of_spike, PartitionSpec()), out_specs=of_spike
    )

    def gradient(function: Function) -> Function:
        return jax.jit(jax.grad(lambda spike, x: function(spike, x).sum(), argnums=1))

    found = gradient(mapped if is_mapped else spikes)(spike, x)
    return np.allclose(found, gradient(spikes)(*jax.device_get((spike, x))), rtol=1e-6, atol=0)


def see() -> dict[str, dict[str, Any]]:
    """What there is to see in every case and control. Needs eight devices."""
    seen = {}
    for case in CASES:
        *placing, name, program = case.split("/")
        spike, x, *mesh = place(*placing)
        result, seen[case] = look(PROGRAMS[program](FUNCTIONS[name], *mesh), spike, x)
        alone = PROGRAMS[program.split("-")[0]](FUNCTIONS[name])(*jax.device_get((spike, x)))
        seen[case]["equal without a mesh"] = np.allclose(result, alone, rtol=1e-6, atol=0)
    seen["one x"] = {
        f"{mesh}/{mode}/{is_mapped}": sweep_one_x(mesh, mode, is_mapped=is_mapped)
        for mesh, mode, is_mapped in product(MESHES, MODES, (False, True))
    }
    spike, x, devices, of_spike = place("Mesh", "replicated", "custom_vjp")
    for collective, function in COLLECTIVES.items():
        _, seen[collective] = look(shards(function, devices, of_spike), spike, x)
    for function in (learn_alpha, transpose):
        _, seen[function.__name__] = look(function, spike, x)
    alphas = jax.device_put(
        np.arange(8, dtype=np.float32), NamedSharding(devices, PartitionSpec(OF_X[0]))
    )
    try:
        ReluGrad(alphas)
    except ValueError as error:
        seen["alpha = 0"] = {"raises": str(error).partition(" in ")[0]}
    return seen


@pytest.fixture(scope="module")
def seen() -> dict[str, dict[str, Any]]:
    """What a process with eight devices saw."""
    flags = "--xla_force_host_platform_device_count=8"
    ran = subprocess.run(
        [sys.executable, "-W", "error", __file__],
        env={**os.environ, "XLA_FLAGS": flags},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("case", CASES)
def test_no_device_waits_for_another(case: str, seen: dict[str, dict[str, Any]]) -> None:
    """Forward and backward, the program of eight devices holds no collective, and x stays put."""
    assert seen[case] == {"collectives": [], "sharded as x": True, "equal without a mesh": True}


def test_surrogates_may_be_divided_and_x_not(seen: dict[str, dict[str, Any]]) -> None:
    """The trap under vmap has a sibling here: the one cotangent of x is the sum over the devices."""
    assert len(seen["one x"]) == 8
    assert all(seen["one x"].values()), seen["one x"]


@pytest.mark.parametrize("collective", COLLECTIVES)
def test_a_collective_would_be_seen(collective: str, seen: dict[str, dict[str, Any]]) -> None:
    """The test above can fail: here is one of each."""
    assert seen[collective]["collectives"] == [collective]


def test_an_alpha_that_is_learned_is_summed_over_the_devices(
    seen: dict[str, dict[str, Any]],
) -> None:
    """The derivative of a slope in an alpha that the devices share needs all of them."""
    assert seen["learn_alpha"] == {"collectives": ["all-reduce"], "sharded as x": True}


def test_a_bad_parameter_is_found_on_any_device(seen: dict[str, dict[str, Any]]) -> None:
    """Divided among the devices of one process, it is known to it."""
    assert seen["alpha = 0"] == {"raises": "alpha must be positive and finite; got 0.0"}


def test_a_moved_result_would_be_seen(seen: dict[str, dict[str, Any]]) -> None:
    """The other half: a transposed x needs no collective, but it is sharded otherwise."""
    assert seen["transpose"] == {"collectives": [], "sharded as x": False}


if __name__ == "__main__":
    print(json.dumps(see()))
