"""A derivative rule of jaxoplanet."""

import jax
import jax.numpy as jnp
from jaxoplanet.core.kepler import kepler
from tests.peers.found.tried import Tried

from relugrad.testing import Rule


def true_anomaly() -> Rule:
    """Sine and cosine of the angle of a planet, by 30 steps of Newton's method."""

    def value(orbit: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        mean, eccentricity = orbit

        def step(_: int, angle: jax.Array) -> jax.Array:
            error = angle - eccentricity * jnp.sin(angle) - mean
            return angle - error / (1 - eccentricity * jnp.cos(angle))

        angle = jax.lax.fori_loop(0, 30, step, mean + eccentricity * jnp.sin(mean))
        distance = 1 - eccentricity * jnp.cos(angle)
        sine = jnp.sqrt(1 - eccentricity**2) * jnp.sin(angle) / distance
        return sine, (jnp.cos(angle) - eccentricity) / distance

    return Rule(
        lambda orbit: kepler(*orbit),
        value,
        x=(jnp.array([0.3, 0.8, 1.7]), jnp.array([0.1, 0.3, 0.5])),
        domain=((0.1, 0.01), (3.0, 0.8)),
        forward_mode=True,
    )


TRIED = [
    Tried(
        "jaxoplanet.core.kepler.kepler",
        "core/kepler.py _kepler",
        true_anomaly,
        {"jaxoplanet_kepler": "dtypes"},
    ),
]
