"""The derivative rules of distrax."""

import jax
import jax.numpy as jnp
import numpy as np
from distrax import VonMises, multiply_no_nan
from distrax._src.utils.math import power_no_nan
from tests.peers.found.tried import Tried

from relugrad.testing import Rule


def product() -> Rule:
    """A product in which 0 times infinity is 0."""

    def value(x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.where(y == 0, 0, x * y)

    return Rule(multiply_no_nan, value, parameters=[(0.7,)], forward_mode=True)


def power() -> Rule:
    """A power in which 0 to the 0 is 1."""

    def value(x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.where(y == 0, 1, x**y)

    return Rule(
        power_no_nan,
        value,
        x=jnp.array([0.2, 0.4, 0.7, 1.3]),
        parameters=[(3.0,)],
        forward_mode=True,
    )


def von_mises_cdf() -> Rule:
    """The integral of a density, by Gauss's method."""
    places, weights = np.polynomial.legendre.leggauss(40)

    def cdf(x: jax.Array, concentration: jax.Array) -> jax.Array:
        return VonMises(0.0, concentration).cdf(x)

    def value(x: jax.Array, concentration: jax.Array) -> jax.Array:
        angles = (x + np.pi)[..., None] * jnp.asarray((places + 1) / 2, x.dtype) - np.pi
        density = jnp.exp(concentration * (jnp.cos(angles) - 1))
        total = 2 * np.pi * jax.scipy.special.i0e(concentration)
        return (x + np.pi) / 2 * (density @ jnp.asarray(weights, x.dtype)) / total

    return Rule(
        cdf,
        value,
        parameters=[(1.5,)],
        domain=(-3.0, 3.0),
        forward_mode=True,
        rtol=1e-5,
    )


def von_mises_sample() -> Rule:
    """A draw; if the concentration changes, its cumulative probability doesn't."""
    key = jax.random.key(1)
    places, weights = np.polynomial.legendre.leggauss(40)

    def draw(concentration: jax.Array) -> jax.Array:
        return VonMises(0.0, concentration).sample(seed=key)

    def value(concentration: jax.Array) -> jax.Array:
        number = draw(concentration.astype("float32"))
        return jax.lax.stop_gradient(number).astype(concentration.dtype)

    def change(step: jax.Array, concentration: jax.Array) -> jax.Array:
        number = value(concentration)

        def cumulative(concentration: jax.Array) -> jax.Array:
            half = (number + np.pi) / 2
            angles = half * jnp.asarray(places + 1, number.dtype) - np.pi
            density = jnp.exp(concentration * jnp.cos(angles))
            integral = half * (density @ jnp.asarray(weights, number.dtype))
            return integral / (2 * np.pi * jax.scipy.special.i0(concentration))

        density = jnp.exp(concentration * jnp.cos(number))
        density = density / (2 * np.pi * jax.scipy.special.i0(concentration))
        return -step * jax.grad(cumulative)(concentration) / density

    return Rule(
        draw,
        value,
        change,
        x=jnp.float32(1.5),
        domain=(0.5, 5.0),
        element_by_element=False,
        second=False,
        forward_mode=True,
        rtol=1e-3,
    )


TRIED = [
    Tried("distrax.multiply_no_nan", "_src/utils/math.py multiply_no_nan", product),
    Tried(
        "power_no_nan, for Multinomial.entropy",
        "_src/utils/math.py power_no_nan",
        power,
        {"distrax_power_no_nan": "points"},
    ),
    Tried(
        "distrax.VonMises.cdf",
        "_src/distributions/von_mises.py _von_mises_cdf",
        von_mises_cdf,
        remark="for float16, it raises an error on purpose: not supported",
    ),
    Tried(
        "distrax.VonMises.sample",
        "_src/distributions/von_mises.py _von_mises_sample",
        von_mises_sample,
        remark="for float16, it raises an error on purpose: not supported",
    ),
]
