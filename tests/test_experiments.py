"""What the experiments compute, where algebra says what it has to be."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from evidence.peak_width_reset import FORMS, safe_peak
from experiments import network, record
from experiments.catalogue import EXPERIMENTS
from relugrad import ReluGrad

# What one time step multiplies a gradient by, for decay d, threshold t, spike s and the slope g at potential v.
FACTORS = {
    "subtract, then leak": lambda d, t, v, s, g: d * (1 - t * g),
    "leak, then subtract": lambda d, t, v, s, g: d - t * g,
    "to zero": lambda d, t, v, s, g: d * (1 - s - v * g),
}


def factors(spike: ReluGrad, threshold: float, v: Array, **settings: Any) -> Array:
    """What one step multiplies a gradient by at each v, in units of the threshold."""
    neuron, zero = network.Neuron(lambda x: spike(threshold * x), **settings), jnp.zeros(())

    def step(v: Array) -> Array:
        return network.step(neuron, network.State(v, zero, zero, zero), zero)[0].v

    return jax.vmap(jax.grad(step))(v / threshold)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("attached", [True, False])
def test_the_factor_of_one_step_of_each_reset(form: str, attached: bool) -> None:
    spike, decay, threshold = ReluGrad(alpha=0.8, width=2.5), 0.7, 3.0
    v = threshold + jnp.array([-3.0, -2.0, -0.5, 0.0, 0.5, 2.0, 3.0])
    s, g = spike(v - threshold), attached * spike.surrogate_grad(v - threshold)
    expected = FACTORS[form](decay, threshold, v, s, g) * jnp.ones_like(v)
    actual = factors(spike, threshold, v, decay=decay, form=form, attached=attached)
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("decay", "width", "threshold"),
    [(0.3, 0.5, 20.0), (0.9, 1.0, 1.0), (0.9, 1.2, 1.0), (0.9, 4.0, 1.0)],
)
def test_the_bound_on_the_peak(form: str, decay: float, width: float, threshold: float) -> None:
    v = threshold * jnp.append(jnp.linspace(-6, 6, 12001), 1)
    bound = safe_peak(form, decay, width) / threshold

    def largest(peak: float) -> Array:
        spike = ReluGrad(alpha=peak / (width * threshold), width=width * threshold)
        return jnp.abs(factors(spike, threshold, v, decay=decay, form=form)).max()

    assert largest(0.999 * bound) < 1 < largest(1.001 * bound)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_record_is_of_the_experiment_as_it_is(name: str) -> None:
    experiment, entry = EXPERIMENTS[name], record.read()[name]
    again = f"to mend it: nox -s experiments -- record {name}"
    made, then = record.made_by(experiment), entry["made_by"]
    changed = [part for part in made | then if made.get(part) != then.get(part)]
    assert not changed, (
        f"{name} was recorded before {changed} of docs/experiments, docs/how-to or pyproject.toml changed; {again}"
    )
    wanted = set(record.wanted(experiment, experiment.cases))
    odd = [dict(key) for key in wanted ^ {record.settings(row) for row in entry["rows"]}]
    assert not odd, (
        f"{name}: {len(odd)} rows of its cases (catalogue.py) are missing or stale, such as {odd[0]}; {again}"
    )
    edited = record.checksum(entry["rows"]) != entry["checksum"]
    assert not edited, f"rows of {name} were edited in docs/_data/experiments.json; {again}"
    as_read = record.how_it_is_read(experiment)
    assert entry == entry | as_read, f"{name} is read in another way than its record; {again}"
