"""Ten derivative rules of TensorFlow Probability, on JAX."""

import jax
import jax.numpy as jnp
import numpy as np
from tensorflow_probability.substrates import jax as tfp
from tensorflow_probability.substrates.jax.distributions import gamma, student_t, von_mises
from tests.peers.found.tried import Tried

from relugrad.testing import Rule

SHARES = jnp.array([0.2, 0.4, 0.6, 0.8])


def betainc() -> Rule:
    """The incomplete beta function, which for b = 1 is a power."""
    return Rule(
        lambda x, a: tfp.math.betainc(a, 1.0, x),
        lambda x, a: x**a,
        x=SHARES,
        parameters=[(2.5,)],
        domain=(0.0, 1.0),
        forward_mode=True,
        rtol=1e-5,
    )


def betaincinv() -> Rule:
    """Its inverse function."""
    return Rule(
        lambda x, a: tfp.math.betaincinv(a, 1.0, x),
        lambda x, a: x ** (1 / a),
        x=SHARES,
        parameters=[(2.5,)],
        domain=(0.01, 0.99),
        forward_mode=True,
        rtol=1e-5,
    )


def igammacinv() -> Rule:
    """The inverse of the complementary incomplete gamma function, for a = 1."""
    return Rule(
        lambda p: tfp.math.igammacinv(1.0, p),
        lambda p: -jnp.log(p),
        x=SHARES,
        domain=(0.01, 0.99),
        forward_mode=True,
        rtol=1e-5,
    )


def stdtrit() -> Rule:
    """Quantiles of Student's t with two degrees of freedom."""
    return Rule(
        lambda p: student_t.stdtrit(2.0, p),
        lambda p: (2 * p - 1) / jnp.sqrt(2 * p * (1 - p)),
        x=SHARES,
        domain=(0.01, 0.99),
        forward_mode=True,
        rtol=1e-5,
    )


def lambertw() -> Rule:
    """The solution w of w * exp(w) = z, by 30 steps of Newton's method."""

    def value(z: jax.Array) -> jax.Array:
        def step(_: int, w: jax.Array) -> jax.Array:
            return w - (w - z * jnp.exp(-w)) / (1 + w)

        return jax.lax.fori_loop(0, 30, step, jnp.log1p(z))

    x = jnp.array([0.2, 0.5, 1.0, 3.0])
    return Rule(tfp.math.lambertw, value, x=x, domain=(0.0, 1e6), forward_mode=True)


def bessel_kve() -> Rule:
    """A Bessel function that for the order 1/2 is a power."""
    return Rule(
        lambda z: tfp.math.bessel_kve(0.5, z),
        lambda z: jnp.sqrt(np.pi / 2 / z),
        x=jnp.array([0.2, 0.5, 1.0, 3.0]),
        domain=(0.01, 1e6),
        forward_mode=True,
        rtol=1e-5,
    )


def log_bessel_ive() -> Rule:
    """The logarithm of a Bessel function, which for the order 1/2 is elementary."""
    return Rule(
        lambda z: tfp.math.log_bessel_ive(0.5, z),
        lambda z: jnp.log(-jnp.expm1(-2 * z)) - jnp.log(2 * np.pi * z) / 2,
        x=jnp.array([0.2, 0.5, 1.0, 3.0]),
        domain=(0.01, 1e6),
        forward_mode=True,
        rtol=1e-5,
    )


def drawn_gamma() -> Rule:
    """A draw; twice the rate is half of the draw."""
    key = jax.random.key(1)
    unit_rate = gamma.random_gamma((), jnp.float32(1.5), jnp.float32(1.0), seed=key)
    return Rule(
        lambda rate: gamma.random_gamma((), jnp.ones_like(rate) * 1.5, rate, seed=key),
        lambda rate: unit_rate.astype(rate.dtype) / rate,
        x=jnp.float32(0.7),
        domain=(0.01, 100.0),
        element_by_element=False,
        forward_mode=True,
    )


def drawn_von_mises() -> Rule:
    """A draw; if the concentration changes, its cumulative probability doesn't."""
    key = jax.random.key(1)
    places, weights = np.polynomial.legendre.leggauss(40)

    def draw(concentration: jax.Array) -> jax.Array:
        return von_mises.random_von_mises((), concentration, concentration.dtype, seed=key)

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


def differential_equation() -> Rule:
    """The solution of y' = -y at t = 1."""

    def solve(start: jax.Array) -> jax.Array:
        solver = tfp.math.ode.DormandPrince(rtol=1e-6, atol=1e-6)
        result = solver.solve(lambda t, y: -y, 0.0, start, jnp.array([1.0], start.dtype))
        return result.states[0]

    return Rule(
        solve,
        lambda start: start * np.exp(-1),
        domain=(-100.0, 100.0),
        element_by_element=False,
        second=False,
        rtol=1e-4,
    )


TRIED = [
    Tried(
        "tfp.math.bessel_kve",
        "math/bessel.py _bessel_kve_custom_gradient",
        bessel_kve,
        {"tfp_bessel_kve": "nan"},
    ),
    Tried(
        "tfp.math.betainc",
        "math/special.py _betainc_custom_gradient",
        betainc,
        remark="it requires one dtype for all, and its gradient by a is exact to 1e-4",
    ),
    Tried("tfp.math.betaincinv", "math/special.py _betaincinv_custom_gradient", betaincinv),
    Tried("tfp.math.igammacinv", "math/special.py _igammacinv_custom_gradient", igammacinv),
    Tried("tfp.math.lambertw", "math/special.py _lambert_custom_gradient", lambertw),
    Tried(
        "tfp.math.log_bessel_ive", "math/bessel.py _log_bessel_ive_custom_gradient", log_bessel_ive
    ),
    Tried(
        "tfp.math.ode.DormandPrince.solve",
        "math/ode/base.py gradient_helper",
        differential_equation,
    ),
    Tried(
        "random_gamma, for Gamma.sample",
        "distributions/gamma.py _random_gamma_gradient",
        drawn_gamma,
    ),
    Tried(
        "random_von_mises, for VonMises.sample",
        "distributions/von_mises.py _von_mises_sample_with_gradient",
        drawn_von_mises,
    ),
    Tried(
        "stdtrit, for StudentT.quantile",
        "distributions/student_t.py _stdtrit_custom_gradient",
        stdtrit,
    ),
]
