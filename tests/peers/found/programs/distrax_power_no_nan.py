"""distrax: derivatives of power_no_nan are NaN, or an error."""

import jax
import jax.numpy as jnp
from distrax import Multinomial
from distrax._src.utils.math import power_no_nan


def cube(x):
    return power_no_nan(x, 3.0)


def entropy(p):
    return Multinomial(total_count=2, probs=jnp.array([p, 1 - p])).entropy()


forward, reverse = jax.jacfwd(cube)(-2.0), jax.jacrev(cube)(-2.0)
print(f"slope of x**3 at -2: jacfwd {forward}, jacrev {reverse}, right: 12")
by_x, by_y = jax.grad(power_no_nan, (0, 1))(0.0, 2.0)
print(f"gradients of x**y at (0, 2): {by_x}, {by_y}, right: 0, 0")

raises = False
difference = (entropy(0.31) - entropy(0.29)) / 0.02
try:
    print(f"slope of an entropy: {jax.jacfwd(entropy)(0.3):.3f}, right: {difference:.3f}")
except TypeError as error:
    print(f"slope of an entropy: TypeError: {str(error).split('.')[0]}, right: {difference:.3f}")
    raises = True
assert forward != 12 or by_y != 0 or raises, "mended: take it off the page"
