"""Two processes that share the neurons. JAX lacks this on Windows, so it is no unit test."""

import socket
import subprocess
import sys

PROCESS = """
import sys
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from relugrad import ReluGrad

address, rank, *widths = sys.argv[1:]
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(address, 2, int(rank), initialization_timeout=120)
sharding = NamedSharding(Mesh(jax.devices(), "devices"), PartitionSpec("devices"))
own = np.array(widths, np.float32)
width = jax.make_array_from_process_local_data(sharding, own)
x = jax.make_array_from_process_local_data(sharding, np.full_like(own, 0.25))
gradient = jax.jit(jax.grad(lambda x, spike: spike(x).sum()))(x, ReluGrad(1.0, width))
print([float(shard.data[0]) for shard in gradient.addressable_shards])
"""


def test_parameters_may_be_divided_among_processes() -> None:
    """None can look at the widths of another, so a bad one is NaN there, and nowhere else."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:{1}".format(*free.getsockname())
    command = [sys.executable, "-c", PROCESS, address]
    processes = [
        subprocess.Popen([*command, rank, width], stdout=subprocess.PIPE, text=True)
        for rank, width in [("0", "1.5"), ("1", "-2.0")]
    ]
    outputs = [process.communicate(timeout=240)[0] for process in processes]
    assert [output.splitlines()[-1] for output in outputs] == ["[1.25]", "[nan]"]
