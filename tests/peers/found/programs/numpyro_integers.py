"""numpyro: a truncated power law whose parameters are integers has no gradients."""

import jax
from numpyro.distributions import DoublyTruncatedPowerLaw


def log_density(x):
    return DoublyTruncatedPowerLaw(-2, 1, 10).log_prob(x)


try:
    print(f"slope at 2: {jax.grad(log_density)(2.0)}, right: -1")
except TypeError as error:
    print(f"slope at 2: TypeError: {str(error).split('.')[0]}, right: -1")
else:
    raise AssertionError("mended: take it off the page")
