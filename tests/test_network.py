"""The package asks nobody: importing and running it makes no connection and looks up no name."""

import shutil
import subprocess
import sys

import pytest

# Where Python reports what it is about to do: https://docs.python.org/3/library/audit_events.html
WATCHED = """
import sys

def refuse(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.gethostby",
                         "socket.sendto", "socket.bind", "urllib.Request")):
        raise RuntimeError(f"network: {event} {arguments}")

sys.addaudithook(refuse)
"""

USE = """
import jax, jax.numpy as jnp
from relugrad import ReluGrad, relu_grad

x = jnp.linspace(-2, 2, 9)
for forward_mode in (False, True):
    spike = ReluGrad(0.5, jnp.ones(9), forward_mode=forward_mode)
    assert jax.jit(jax.vmap(jax.grad(lambda x: spike(x).sum())))(jnp.ones((3, 9))).shape == (3, 9)
    assert spike.surrogate_fun(x).shape == spike.surrogate_grad(x).shape == relu_grad(x).shape
print("ran")
"""


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_python_opens_no_connection() -> None:
    """On any system: Python itself refuses to connect and to look names up."""
    ran = _run(sys.executable, "-c", WATCHED + USE)
    assert (ran.returncode, ran.stdout) == (0, "ran\n"), ran.stderr


def test_the_watch_sees_a_connection() -> None:
    """The test before this one could fail."""
    ran = _run(
        sys.executable, "-c", WATCHED + "import socket; socket.create_connection(('localhost', 9))"
    )
    assert ran.returncode == 1
    assert "RuntimeError: network: socket.getaddrinfo" in ran.stderr


def test_runs_where_there_is_no_network() -> None:
    """On Linux: in a network namespace with no interface but a loopback that is down."""
    isolated = ("unshare", "--net", "--map-root-user")
    if not shutil.which("unshare") or _run(*isolated, "true").returncode:
        pytest.skip("this system gives no network namespace to its users")
    ran = _run(*isolated, sys.executable, "-c", USE)
    assert (ran.returncode, ran.stdout) == (0, "ran\n"), ran.stderr
