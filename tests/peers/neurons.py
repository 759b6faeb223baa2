"""The leaky neurons of other libraries, as `neurons.toml` lists them: measured, not read."""

import functools
import runpy
import tomllib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tests.helpers import names_of_page
from tests.peers.others import HERE, TORCH, Function, imported

from relugrad import ReluGrad

NEURONS: list[dict[str, Any]] = tomllib.loads((HERE / "neurons.toml").read_text())["neuron"]
COUNT = 100
DRIVE, WEIGHTS = np.random.default_rng(0).normal(size=(2, 30, COUNT)).astype(np.float32)
# What is left of a potential one time step later, from that, its spike and the decay.
FORMS: dict[str, Function] = {
    "subtract, then leak": lambda v, s, decay: decay * (v - s),
    "leak, then subtract": lambda v, s, decay: decay * v - s,
    "to zero": lambda v, s, decay: decay * v * (1 - s),
}

# Each library's neuron as its users build it: from the inputs to the spikes and the last state.


def run(step: Function, state: Any, inputs: Any) -> tuple[list[Any], Any]:
    """The spikes of all steps, and the state after them."""
    spikes = []
    for x in inputs:
        s, state = step(x, state)
        spikes.append(s)
    return spikes, state


def brainpy_state(inputs: Any, **surrogate: Any) -> Any:
    import brainpy.state
    import brainstate
    import brainunit as u

    neuron = brainpy.state.LIF(COUNT, tau=10 * u.ms, **surrogate)
    neuron.init_state()
    with brainstate.environ.context(dt=1 * u.ms):
        return [neuron.update(x * u.mA) for x in inputs], neuron.V.value.mantissa


def brainpy_dyn(inputs: Any, **surrogate: Any) -> Any:
    import brainpy
    from brainpy.math import TrainingMode

    neuron = brainpy.dyn.Lif(COUNT, tau=10.0, V_reset=0.0, mode=TrainingMode(), **surrogate)
    brainpy.share.save(t=0.0, dt=1.0)
    # The threshold is 20 mV.
    return [neuron.update(20 * x)[0] for x in inputs], neuron.V.value[0] / 20


def spyx(inputs: Any, **surrogate: Any) -> Any:
    import spyx.nn
    from flax import nnx

    neuron = spyx.nn.LIF((COUNT,), 0.9, rngs=nnx.Rngs(0), **surrogate)
    return run(neuron, neuron.initial_state(1)[0], inputs)


def jaxpike(inputs: Any, **surrogate: Any) -> Any:
    import jaxpike

    neuron = jaxpike.LIF(10.0, **surrogate)
    return run(lambda x, state: neuron(state, x)[::-1], neuron.init_state((COUNT,)), inputs)


def sparxml(inputs: Any, **surrogate: Any) -> Any:
    from sparx import dynamics, nn

    cell = nn.LIF(10.0, **surrogate).build(inputs)
    out, state = dynamics.run(cell, dynamics.SynapticInput(jump=inputs))
    return out.value, state


def norse(inputs: Any, **surrogate: Any) -> Any:
    import norse.torch

    return run(norse.torch.LIFCell(**surrogate), None, inputs)


def norse_recurrent(inputs: Any, **surrogate: Any) -> Any:
    import norse.torch
    import torch

    weights = {"input_weights": torch.eye(COUNT), "recurrent_weights": torch.zeros(COUNT, COUNT)}
    return run(norse.torch.LIFRecurrentCell(COUNT, COUNT, **weights, **surrogate), None, inputs)


def snntorch_synaptic(inputs: Any, **surrogate: Any) -> Any:
    import snntorch

    def step(x: Any, state: Any) -> Any:
        spikes, *state = neuron(x, *state)
        return spikes, state

    neuron = snntorch.Synaptic(0.9, 0.8, **surrogate)
    spikes, state = run(step, [0 * inputs[0]] * 2, inputs)
    return spikes, state[1]


def snntorch(inputs: Any, **surrogate: Any) -> Any:
    import snntorch

    return run(snntorch.Leaky(beta=0.9, **surrogate), 0 * inputs[0], inputs)


def spikingjelly(inputs: Any, **surrogate: Any) -> Any:
    from spikingjelly.activation_based.neuron import LIFNode

    neuron = LIFNode(tau=10.0, **surrogate)
    return [neuron(x) for x in inputs], neuron.v


MODELS: dict[str, Function] = {
    "brainpy.state.LIF": brainpy_state,
    "brainpy.dyn.Lif": brainpy_dyn,
    "spyx.nn.LIF": spyx,
    "jaxpike.LIF": jaxpike,
    "sparx.nn.LIF": sparxml,
    "norse.torch.LIFCell": norse,
    "norse.torch.LIFRecurrentCell": norse_recurrent,
    "snntorch.Leaky": snntorch,
    "spikingjelly LIFNode": spikingjelly,
}

PYTORCH = "how-to/from-pytorch.md"


def leaky_to_zero(spike: Function, state: Any, current: Any, beta: float = 0.9) -> Any:
    """The page's `leaky`, with the line that its table gives for `reset_mechanism="zero"`."""
    v, s = state
    v = beta * v * (1 - jax.lax.stop_gradient(s)) + current
    s = spike(v - 1.0)
    return (v, s), s


def with_slope(integral: str) -> Function:
    """A surrogate with the slope that this has."""
    smooth = eval(f"lambda x: {integral}", {"jnp": jnp, "jax": jax})
    return lambda x: jax.lax.stop_gradient((x > 0) - smooth(x)) + smooth(x)


def translation(inputs: Any, name: str, states: int, spike: Function, **parameters: float) -> Any:
    """A neuron that the page shows in JAX."""
    neuron, start = names_of_page(PYTORCH)[name], (jnp.zeros(COUNT),) * states
    return run(lambda x, state: neuron(spike, state, x, **parameters)[::-1], start, inputs)


def outcome(neuron: Function, inputs: Any, weights: Any = None, lib: Any = jnp) -> list[Any]:
    """Spikes, last potential, and the gradient of the latter, or of the former with weights."""

    def loss(x: Any) -> tuple[Any, tuple[Any, Any]]:
        spikes, state = neuron(x)
        spikes, v = lib.stack(list(spikes)), getattr(state, "v", state)
        measured = v if weights is None else spikes * lib.asarray(weights)
        return measured.sum(), (spikes, v)

    if lib is jnp:
        (_, values), gradient = jax.value_and_grad(loss, has_aux=True)(jnp.asarray(inputs))
        return [*values, gradient]
    x = lib.tensor(inputs, requires_grad=True)
    total, values = loss(x)
    total.backward()
    return [tensor.detach().numpy() for tensor in (*values, x.grad)]


def compare_networks(torch_spike: Function, reset: str) -> None:
    """The network of the page is that of snnTorch: equal spikes, and gradients of the weights."""
    torch = imported("torch")
    torch.manual_seed(0)
    example = runpy.run_path(str(HERE / "in_snntorch.py"))
    layers, torch_network = example["layers"], example["torch_network"]
    leaky = imported("snntorch").Leaky(0.9, spike_grad=torch_spike, reset_mechanism=reset)
    torch_network.__globals__["lif"] = leaky
    rng = np.random.default_rng(0)
    inputs, factors = 20 * rng.normal(size=(2, 30, 8, 20)).astype(np.float32)
    torch_spikes = torch_network(torch.tensor(inputs))
    assert 0.01 < torch_spikes.mean() < 0.5
    (torch_spikes * torch.tensor(factors[..., :2])).sum().backward()

    page = names_of_page(PYTORCH)
    leaky_in_jax = {"subtract": page["leaky"], "zero": leaky_to_zero}[reset]
    neuron = jax.tree_util.Partial(leaky_in_jax, ReluGrad())

    def loss(weights: Any) -> Any:
        spikes = page["network"](weights, inputs, neuron)
        return (spikes * factors[..., :2]).sum(), spikes

    gradients, spikes = jax.grad(loss, has_aux=True)(example["weights_of"](layers))
    assert np.array_equal(spikes, torch_spikes.detach())
    for gradient, layer in zip(gradients, layers, strict=True):
        for name, parameter in layer.named_parameters():
            np.testing.assert_allclose(gradient[name], parameter.grad, rtol=1e-4, atol=1e-3)


def compare_synaptic(torch_spike: Function) -> None:
    """The neuron with a synapse of the page is that of snnTorch."""
    inputs = 0.08 + 0.3 * DRIVE
    neuron = functools.partial(snntorch_synaptic, spike_grad=torch_spike)
    spikes, _, gradient = outcome(neuron, inputs, WEIGHTS, imported("torch"))
    translated = functools.partial(translation, name="synaptic", states=3, spike=ReluGrad())
    expected, _, expected_gradient = outcome(translated, inputs, WEIGHTS)
    assert np.array_equal(spikes, expected)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-5)


def reset(row: dict[str, Any], neuron: Function, lib: Any) -> tuple[str, str]:
    """The form of the reset, and whether the gradient flows through it."""
    start, decay = 1.5, row["decay"]
    pulse = np.float32(np.outer(row["pulse"], np.full(COUNT, start)))
    _, v, gradient = outcome(neuron, pulse, lib=lib)
    errors = {form: float(abs(after(start, 1, decay) - v[0])) for form, after in FORMS.items()}
    form = min(errors, key=lambda form: errors[form])
    assert errors[form] < 1e-5, row["name"]
    slope = (pulse * gradient).sum() / start / COUNT
    detached = 0 if form == "to zero" else decay
    return form, "detached" if abs(slope - detached) < 1e-5 else "attached"


def divided_by_threshold() -> str:
    """The classes of brainpy.state that divide by V_th; the others divide by V_th - V_reset."""
    state, names = imported("brainpy.state"), []
    for name, cls in vars(state).items():
        if isinstance(cls, type) and issubclass(cls, state.Neuron) and cls is not state.Neuron:
            neuron: Any = cls(1, spk_fun=lambda x: x)
            neuron.init_state()
            threshold = getattr(neuron.V_th, "value", neuron.V_th)
            unit = threshold / getattr(threshold, "mantissa", threshold)
            neuron.V_reset = threshold - 7 * unit
            divisor = float(1 / np.mean(neuron.get_spike(threshold + unit)))
            assert np.isclose(divisor, [7, np.mean(threshold / unit)]).any()
            if not np.isclose(divisor, 7):
                names.append(name)
    return ", ".join(names)


def compare(row: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a neuron; an error if it does something else with an equal surrogate."""
    lib = imported("torch") if row["library"] in TORCH else jnp
    neuron, keyword = MODELS[row["name"]], row["keyword"]
    form, gradient = reset(row, neuron, lib)
    page, library = {"ReluGrad": ReluGrad}, vars(imported(row["module"]))
    if "page" in row:
        page |= runpy.run_path(str(HERE / row["page"]))
    inputs = row["pulse"][0] * (0.08 + 0.3 * DRIVE)

    def in_library(**surrogate: Any) -> list[Any]:
        return outcome(functools.partial(neuron, **surrogate), inputs, WEIGHTS, lib)

    def translated(spike: Function) -> list[Any]:
        step = functools.partial(translation, spike=spike, **row["translation"])
        return outcome(step, inputs, WEIGHTS)

    default = in_library()
    pairs = [(default, in_library(**{keyword: eval(row["default"], {}, library)}))]
    if "translation" in row:
        pairs.append((default, translated(with_slope(row["default slope"]))))
    for call, relugrad in row["triangles"]:
        spike = eval(relugrad, page)
        expected = in_library(**{keyword: spike}) if lib is jnp else translated(spike)
        pairs.append((in_library(**{keyword: eval(call, page | library)}), expected))
    for (spikes, _, slopes), (expected_spikes, _, expected_slopes) in pairs:
        assert np.array_equal(spikes, expected_spikes), row["name"]
        error = np.abs(slopes - expected_slopes).max()
        assert error <= 1e-6 * np.abs(slopes).max(), row["name"]
    if row["name"] == "snntorch.Leaky":
        compare_networks(page["spike"], "subtract")
        compare_networks(page["spike"], "zero")
        compare_synaptic(page["spike"])
    measured = {"library": row["library"], "neuron": f"`{row['name']}`"}
    if lib is jnp:
        call, relugrad = row["triangles"][0]
        measured |= {"write": f"`{keyword}={relugrad}`", "which equals": f"`{call}`"}
    elif "page" in row:  # what is passed is no triangle of the library's
        measured |= {"write": f"`{keyword}=spike`, in PyTorch", "which equals": "–"}
    measured |= {"reset": form, "gradient": gradient}
    if row["name"] == "brainpy.state.LIF":
        measured["divided by V_th"] = divided_by_threshold()
    return measured
