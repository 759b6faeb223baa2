"""The leaky neurons of other libraries, as `neurons.toml` lists them: measured, not read."""

import functools
import re
import runpy
import tomllib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tests.peers.others import HERE, TORCH, Function, imported, versions, works

from relugrad import ReluGrad

READ: dict[str, Any] = tomllib.loads((HERE / "neurons.toml").read_text())
COUNT = 100
DRIVE, WEIGHTS = np.random.default_rng(0).normal(size=(2, 30, COUNT)).astype(np.float32)
# What is left of a potential one time step later, from that, its spike and the decay.
FORMS: dict[str, Function] = {
    "subtract, then leak": lambda v, s, decay: decay * (v - s),
    "leak, then subtract": lambda v, s, decay: decay * v - s,
    "to zero": lambda v, s, decay: decay * v * (1 - s),
}

# Each library's neuron as its users build it: from the inputs to the spikes and the last state.


def each(step: Function, state: Any, inputs: Any) -> tuple[list[Any], Any]:
    """The spikes of all steps, and the state after them."""
    spikes = []
    for x in inputs:
        now, state = step(x, state)
        spikes.append(now)
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
    return each(neuron, neuron.initial_state(1)[0], inputs)


def jaxpike(inputs: Any, **surrogate: Any) -> Any:
    import jaxpike

    neuron = jaxpike.LIF(10.0, **surrogate)
    return each(lambda x, state: neuron(state, x)[::-1], neuron.init_state((COUNT,)), inputs)


def sparxml(inputs: Any, **surrogate: Any) -> Any:
    from sparx import dynamics, nn

    cell = nn.LIF(10.0, **surrogate).build(inputs)
    out, state = dynamics.run(cell, dynamics.SynapticInput(jump=inputs))
    return out.value, state


def norse(inputs: Any, **surrogate: Any) -> Any:
    import norse.torch

    return each(norse.torch.LIFCell(**surrogate), None, inputs)


def norse_recurrent(inputs: Any, **surrogate: Any) -> Any:
    import norse.torch
    import torch

    weights = {"input_weights": torch.eye(COUNT), "recurrent_weights": torch.zeros(COUNT, COUNT)}
    return each(norse.torch.LIFRecurrentCell(COUNT, COUNT, **weights, **surrogate), None, inputs)


def snntorch_synaptic(inputs: Any, **surrogate: Any) -> Any:
    import snntorch

    def step(x: Any, state: Any) -> Any:
        spikes, *state = neuron(x, *state)
        return spikes, state

    neuron = snntorch.Synaptic(0.9, 0.8, **surrogate)
    spikes, state = each(step, [0 * inputs[0]] * 2, inputs)
    return spikes, state[1]


def snntorch(inputs: Any, **surrogate: Any) -> Any:
    import snntorch

    return each(snntorch.Leaky(beta=0.9, **surrogate), 0 * inputs[0], inputs)


def spikingjelly(inputs: Any, **surrogate: Any) -> Any:
    from spikingjelly.activation_based.neuron import LIFNode

    neuron = LIFNode(tau=10.0, **surrogate)
    return [neuron(x) for x in inputs], neuron.v


NAMED = {
    "brainpy.state.LIF": brainpy_state,
    "brainpy.dyn.Lif": brainpy_dyn,
    "norse.torch.LIFRecurrentCell": norse_recurrent,
}


def in_jax(inputs: Any, spike: Function, row: dict[str, Any], reset: str, gradient: str) -> Any:
    """The same neuron in JAX, from what was measured."""
    first, second = row["pulse"]

    def step(x: Any, state: Any) -> Any:
        v, s, current = state
        current = x - second / first * current  # of the synapse
        v = FORMS[reset](v, s, row["decay"]) + current / first
        now = spike(v - 1)
        return now, (v, now if gradient == "attached" else jax.lax.stop_gradient(now), current)

    spikes, state = each(step, [jnp.zeros(COUNT)] * 3, inputs)
    return spikes, state[0]


PYTORCH = (HERE.parents[1] / "docs/how-to/from-pytorch.md").read_text()


def shown(page: str = PYTORCH) -> dict[str, Any]:
    """What the page on PyTorch defines."""
    own: dict[str, Any] = {"np": np}
    parts = re.findall(r"(?ms)^(import jax\n.*?)^neuron = |^(def layer.*?)^rng", page)
    exec("".join(map("".join, parts)), own)  # noqa: S102 - our own page
    return own


def slope(integral: str) -> Function:
    """A surrogate with the slope that this has."""
    smooth = eval(f"lambda x: {integral}", {"jnp": jnp, "jax": jax})
    return lambda x: jax.lax.stop_gradient((x > 0) - smooth(x)) + smooth(x)


def same_network(given: Function, spike: Function, reset: str) -> None:
    """The network of the page is that of snnTorch: equal spikes, and gradients of the weights."""
    torch = imported("torch")
    torch.manual_seed(0)
    theirs = runpy.run_path(str(HERE / "in_snntorch.py"))
    neuron = imported("snntorch").Leaky(0.9, spike_grad=given, reset_mechanism=reset)
    theirs["torch_network"].__globals__["lif"] = neuron
    zero = re.findall(r'"zero"` \| in `leaky`: `(.*?)`', PYTORCH)[0]
    changed = re.sub(r"(?m)v = beta .*$", zero, PYTORCH) if reset == "zero" else PYTORCH
    inputs, by = 20 * np.random.default_rng(0).normal(size=(2, 30, 8, 20)).astype(np.float32)
    named = [dict(layer.named_parameters()) for layer in theirs["layers"]]
    spikes = theirs["torch_network"](torch.tensor(inputs))
    assert 0.01 < spikes.mean() < 0.5
    (spikes * torch.tensor(by[..., :2])).sum().backward()

    own = shown(changed)
    same = jax.tree_util.Partial(own["leaky"], spike)

    def loss(weights: Any) -> Any:
        ours = own["network"](weights, inputs, same)
        return (ours * by[..., :2]).sum(), ours

    gradient, ours = jax.grad(loss, has_aux=True)(theirs["weights_of"](theirs["layers"]))
    assert np.array_equal(ours, spikes.detach())
    for w, layer in zip(gradient, named, strict=True):
        for name, p in layer.items():
            np.testing.assert_allclose(w[name], p.grad, rtol=1e-4, atol=1e-3)


def translation(inputs: Any, name: str, spike: Function, **given: float) -> Any:
    """A neuron that the page shows in JAX."""
    step, states = shown()[name], {"synaptic": 3, "lif_node": 1}.get(name, 2)
    start = (jnp.zeros(COUNT),) * states
    spikes, state = each(lambda x, state: step(spike, state, x, **given)[::-1], start, inputs)
    return spikes, state[name == "synaptic"]  # the potential


def outcome(neuron: Function, inputs: Any, weights: Any = None, lib: Any = jnp) -> list[Any]:
    """Spikes, last potential, and the gradient of the latter, or of the former with weights."""

    def loss(x: Any) -> tuple[Any, tuple[Any, Any]]:
        spikes, state = neuron(x)
        spikes, v = lib.stack(list(spikes)), getattr(state, "v", state)
        of = v if weights is None else spikes * lib.asarray(weights)
        return of.sum(), (spikes, v)

    if lib is jnp:
        (_, found), gradient = jax.value_and_grad(loss, has_aux=True)(jnp.asarray(inputs))
        return [*found, gradient]
    x = lib.tensor(inputs, requires_grad=True)
    value, found = loss(x)
    value.backward()
    return [part.detach().numpy() for part in (*found, x.grad)]


def reset(row: dict[str, Any], neuron: Function, lib: Any) -> tuple[str, str]:
    """The form of the reset, and whether the gradient flows through it."""
    start, decay = 1.5, row["decay"]
    pulse = np.float32(np.outer(row["pulse"], np.full(COUNT, start)))
    _, left, gradient = outcome(neuron, pulse, lib=lib)
    forms = {form: float(abs(of(start, 1, decay) - left[0])) for form, of in FORMS.items()}
    form = min(forms, key=lambda form: forms[form])
    assert forms[form] < 1e-5, row["name"]
    slope, detached = (pulse * gradient).sum() / start / COUNT, 0 if form == "to zero" else decay
    return form, "detached" if abs(slope - detached) < 1e-5 else "attached"


def divided_by_threshold() -> str:
    """The classes of brainpy.state that divide by V_th; the others divide by V_th - V_reset."""
    state, found = imported("brainpy.state"), []
    for name, cls in vars(state).items():
        if isinstance(cls, type) and issubclass(cls, state.Neuron) and cls is not state.Neuron:
            neuron: Any = cls(1, spk_fun=lambda x: x)
            neuron.init_state()
            threshold = getattr(neuron.V_th, "value", neuron.V_th)
            unit = threshold / getattr(threshold, "mantissa", threshold)
            neuron.V_reset = threshold - 7 * unit
            divisor = float(1 / np.mean(neuron.get_spike(threshold + unit)))
            assert np.isclose(divisor, [7, np.mean(threshold / unit)]).any()
            found += [] if np.isclose(divisor, 7) else [name]
    return ", ".join(found)


def compare(row: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a neuron; an error if it does something else with an equal surrogate."""
    lib = imported("torch") if row["library"] in TORCH else jnp
    neuron = NAMED.get(row["name"]) or globals()[row["library"]]
    form, gradient = reset(row, neuron, lib)
    page, names = {"ReluGrad": ReluGrad}, vars(imported(row["module"]))
    if "page" in row:
        page |= runpy.run_path(str(HERE / row["page"]))

    def found(surrogate: Any, neuron: Function = neuron, lib: Any = lib) -> list[Any]:
        given = {} if surrogate is None else {row["keyword"]: surrogate}
        inputs = row["pulse"][0] * (0.08 + 0.3 * DRIVE)
        return outcome(functools.partial(neuron, **given), inputs, WEIGHTS, lib)

    pairs = [(found(None), found(eval(row["default"], {}, names)))]
    for theirs, ours in row["triangles"]:
        spike = eval(ours, page)
        same = functools.partial(in_jax, row=row, reset=form, gradient=gradient, spike=spike)
        equal = found(spike) if lib is jnp else found(None, same, jnp)
        pairs.append((found(eval(theirs, page | names)), equal))
        if "translation" in row:
            for given, used in [
                (None, slope(row["default slope"])),
                (eval(theirs, page | names), spike),
            ]:
                translated = functools.partial(translation, spike=used, **row["translation"])
                pairs.append((found(given), found(None, translated, jnp)))
    for (spikes, _, slopes), (equal, _, expected) in pairs:
        assert np.array_equal(spikes, equal), row["name"]
        assert np.abs(slopes - expected).max() <= 1e-6 * np.abs(slopes).max(), row["name"]
    if row["name"] == "snntorch.Leaky":
        for kind in ("subtract", "zero"):
            same_network(page["spike"], ReluGrad(), kind)
        theirs = found(page["spike"], snntorch_synaptic)
        ours = functools.partial(translation, name="synaptic", spike=ReluGrad())
        equal = outcome(ours, 0.08 + 0.3 * DRIVE, WEIGHTS)
        assert np.array_equal(theirs[0], equal[0])
        np.testing.assert_allclose(theirs[2], equal[2], rtol=1e-4, atol=1e-5)
    (theirs, ours), keyword = row["triangles"][0], row["keyword"]
    in_torch = f"`{keyword}=spike`, in PyTorch", "–"  # what is passed is no triangle of theirs
    write, equals = (f"`{keyword}={ours}`", f"`{theirs}`") if lib is jnp else in_torch
    measured = {
        "library": f"{row['library']} {versions()[row['library']]}",
        "neuron": f"`{row['name']}`",
        "write": write,
        "which equals": equals,
        "reset": form,
        "gradient": gradient,
        "takes ReluGrad": works(lambda: found(ReluGrad()) != []),
    }
    if row["name"] == "brainpy.state.LIF":
        measured["divided by V_th"] = divided_by_threshold()
    return measured
