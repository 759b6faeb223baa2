"""The derivative rules of numpyro."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import DoublyTruncatedPowerLaw
from numpyro.distributions.util import log1mexp
from tests.peers.found.tried import Tried

from relugrad.testing import Rule

PARAMETERS = [(-2.0, 1.0, 10.0)]  # the exponent, and the bounds


def law(alpha: jax.Array, low: jax.Array, high: jax.Array) -> Any:
    """A density that is proportional to x**alpha between two bounds."""
    return DoublyTruncatedPowerLaw(alpha, low, high, validate_args=False)


def share(x: jax.Array, alpha: jax.Array, low: jax.Array, high: jax.Array) -> jax.Array:
    """The integral of the density up to x."""
    power = alpha + 1
    return (x**power - low**power) / (high**power - low**power)


def log_density() -> Rule:
    """Its logarithm."""

    def value(x: jax.Array, alpha: jax.Array, low: jax.Array, high: jax.Array) -> jax.Array:
        integral = (high ** (alpha + 1) - low ** (alpha + 1)) / (alpha + 1)
        return alpha * jnp.log(x) - jnp.log(integral)

    return Rule(
        lambda x, *parameters: law(*parameters).log_prob(x),
        value,
        x=jnp.array([3.0, 4.0, 5.0, 7.0]),
        parameters=PARAMETERS,
        domain=(1.1, 9.9),
        forward_mode=True,
    )


def cdf() -> Rule:
    """Its integral."""
    return Rule(
        lambda x, *parameters: law(*parameters).cdf(x),
        share,
        x=jnp.array([3.0, 4.0, 5.0, 7.0]),
        parameters=PARAMETERS,
        domain=(1.1, 9.9),
        forward_mode=True,
    )


def icdf() -> Rule:
    """The inverse function of its integral."""

    def value(q: jax.Array, alpha: jax.Array, low: jax.Array, high: jax.Array) -> jax.Array:
        power = alpha + 1
        return (low**power + q * (high**power - low**power)) ** (1 / power)

    return Rule(
        lambda q, *parameters: law(*parameters).icdf(q),
        value,
        x=jnp.array([0.2, 0.4, 0.6, 0.8]),
        parameters=PARAMETERS,
        domain=(0.0, 0.99),
        forward_mode=True,
    )


def log_of_1_minus_exp() -> Rule:
    """The logarithm of 1 - exp(x)."""
    x = jnp.array([-0.2, -0.5, -1.0, -3.0])
    return Rule(
        log1mexp,
        lambda x: jnp.log(-jnp.expm1(x)),
        x=x,
        domain=(-jnp.inf, 0.0),
        forward_mode=True,
    )


INTEGERS = {"numpyro_integers": "integers"}
TRIED = [
    Tried(
        "DoublyTruncatedPowerLaw.log_prob",
        "distributions/truncated.py f",
        log_density,
        {"numpyro_power_law": "one_call", **INTEGERS},
    ),
    Tried("DoublyTruncatedPowerLaw.cdf", "distributions/truncated.py f", cdf, INTEGERS),
    Tried("DoublyTruncatedPowerLaw.icdf", "distributions/truncated.py f", icdf, INTEGERS),
    Tried("log1mexp", "distributions/util.py log1mexp", log_of_1_minus_exp),
]
