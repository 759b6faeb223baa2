"""numpyro: gradients of a truncated power law's log-density by its bounds."""

import jax
from numpyro.distributions import DoublyTruncatedPowerLaw


def log_density(low, high):
    law = DoublyTruncatedPowerLaw(-2.0, low, high, validate_args=False)
    return law.log_prob(2.0)


# The density is x**-2 / (1 / low - 1 / high). Of its logarithm, the derivative by low is
# high / (low * (high - low)), and that by high is -low / (high * (high - low)).
by_low, by_high = jax.grad(log_density, (0, 1))(1.0, 10.0)
print(f"by low: {by_low:.4f}, right: {10 / 9:.4f}")
print(f"by high: {by_high:.4f}, right: {-1 / 90:.4f}")
assert abs(by_low - 10 / 9) > 0.01 or abs(by_high + 1 / 90) > 0.001, "mended: take it off the page"
