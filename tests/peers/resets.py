"""How the standard leaky neuron of each library resets by default: measured, not read.

Each function starts a neuron at potential v, which is compared with the threshold 1 in the first of
two time steps, gives it no input, and returns the potential that is compared in the second. That
and its derivative by v tell which form the reset has, and whether the gradient flows through it.
"""

import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from tests.peers.others import imported, versions

V = 1.5
FORMS: dict[str, Callable[[float], float]] = {
    "subtract, then leak": lambda decay: decay * (V - 1),
    "leak, then subtract": lambda decay: decay * V - 1,
    "to zero": lambda decay: 0.0,
}


def brainpy(v: Any) -> tuple[Any, float, Any]:
    import brainpy.state
    import brainstate
    import brainunit as u

    neuron = brainpy.state.LIF(1, tau=10 * u.ms)
    neuron.init_state()
    neuron.V.value = v * jnp.ones(1) * u.mV
    with brainstate.environ.context(dt=1 * u.ms):
        neuron.update()
    return neuron.V.value.mantissa[0], math.exp(-0.1), neuron.update


def spyx(v: Any) -> tuple[Any, float, Any]:
    import spyx.nn
    from flax import nnx

    neuron = spyx.nn.LIF((1,), beta=0.9, rngs=nnx.Rngs(0))
    return neuron(jnp.zeros(1), v * jnp.ones(1))[1][0], 0.9, neuron.__call__


def sparxml(v: Any) -> tuple[Any, float, Any]:
    import sparx.dynamics
    import sparx.nn

    inputs = jnp.stack([v * jnp.ones(1), jnp.zeros(1)])
    neuron = sparx.nn.LIF().build(inputs)
    _, state = sparx.dynamics.run(neuron, sparx.dynamics.SynapticInput(jump=inputs), None, dt=1.0)
    return state.v[0], neuron.decay, sparx.dynamics.core.fire


def jaxpike(v: Any) -> tuple[Any, float, Any]:
    import jaxpike

    neuron = jaxpike.LIF()
    state, _ = neuron(neuron.init_state((1,)), v * jnp.ones(1) / (1 - neuron.alpha))
    state, _ = neuron(state, jnp.zeros(1))
    return state.v[0], float(neuron.alpha), neuron.__call__


def norse(v: Any, cell: str = "LIFCell", *sizes: int) -> tuple[Any, float, Any]:
    import norse.torch as norse
    import torch
    from norse.torch.functional import lif

    # Two Euler steps of dt / tau = 0.1. The current is 0 but for the first step, which sets it to v.
    neuron = getattr(norse, cell)(*sizes)
    state = neuron.initial_state(torch.zeros(1, 1))
    state = state._replace(v=v.reshape(1, 1) / 0.9, i=torch.zeros(1, 1))
    for _ in range(2):
        _, state = neuron(torch.zeros(1, 1), state)
    step = lif.lif_step if sizes else lif.lif_feed_forward_step
    return state.v[0, 0], 0.9, step


def norse_recurrent(v: Any) -> tuple[Any, float, Any]:
    return norse(v, "LIFRecurrentCell", 1, 1)


def snntorch(v: Any) -> tuple[Any, float, Any]:
    import snntorch
    import torch

    neuron = snntorch.Leaky(beta=0.9)
    _, potential = neuron(torch.zeros(1), v.reshape(1))
    return potential[0], 0.9, neuron.mem_reset


def spikingjelly(v: Any) -> tuple[Any, float, Any]:
    import torch
    from spikingjelly.activation_based import functional
    from spikingjelly.activation_based.neuron import LIFNode

    neuron = LIFNode(tau=10.0)
    neuron(10 * v.reshape(1))
    neuron(torch.zeros(1))
    return neuron.v[0], 0.9, functional.lif_step


NEURONS = {
    "brainpy.state.LIF": ("brainpy", brainpy),
    "spyx.nn.LIF": ("spyx", spyx),
    "sparx.nn.LIF": ("sparxml", sparxml),
    "jaxpike.LIF": ("jaxpike", jaxpike),
    "norse.torch.LIFCell": ("norse", norse),
    "norse.torch.LIFRecurrentCell": ("norse", norse_recurrent),
    "snntorch.Leaky": ("snntorch", snntorch),
    "spikingjelly LIFNode": ("spikingjelly", spikingjelly),
}


def two_steps(neuron: Callable[[Any], tuple[Any, float, Any]]) -> tuple[float, float, float, Any]:
    """The potential of the second step, its derivative by that of the first, and the decay."""
    if neuron.__name__ in ("norse", "norse_recurrent", "snntorch", "spikingjelly"):
        torch = imported("torch")
        v = torch.tensor(V, requires_grad=True)
        potential, decay, reset = neuron(v)
        (slope,) = torch.autograd.grad(potential, v, allow_unused=True)
        return float(potential), float(slope or 0.0), decay, reset
    _, decay, reset = neuron(V)
    potential, slope = jax.value_and_grad(lambda v: neuron(v)[0])(V)
    return float(potential), float(slope), decay, reset


def resets() -> dict[str, dict[str, str]]:
    """A row for each neuron whose library is installed."""
    rows = {}
    for name, (library, neuron) in NEURONS.items():
        if library not in versions():
            continue
        potential, slope, decay, reset = two_steps(neuron)
        form = min(FORMS, key=lambda form: abs(FORMS[form](decay) - potential))
        assert abs(FORMS[form](decay) - potential) < 1e-5, (name, potential)
        detached = 0.0 if form == "to zero" else decay
        file = Path(inspect.getsourcefile(reset) or "").parts
        where = "/".join(file[file.index("site-packages") + 1 :])
        rows[name] = {
            "library": f"{library} {versions()[library]}",
            "neuron": f"`{name}`",
            "reset": form,
            "gradient": "detached" if abs(slope - detached) < 1e-6 else "through the reset",
            "where": f"{where}:{inspect.getsourcelines(reset)[1]}",
        }
    return rows
