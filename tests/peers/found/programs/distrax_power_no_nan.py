"""distrax: power_no_nan has NaN as a derivative at negative numbers and at 0."""

import jax
from distrax._src.utils.math import power_no_nan


def cube(x):
    return power_no_nan(x, 3.0)


forward, reverse = jax.jacfwd(cube)(-2.0), jax.jacrev(cube)(-2.0)
print(f"slope of x**3 at -2: jacfwd {forward}, jacrev {reverse}, right: 12")
by_x, by_y = jax.grad(power_no_nan, (0, 1))(0.0, 2.0)
print(f"gradients of x**y at (0, 2): {by_x}, {by_y}, right: 0, 0")
assert forward != 12 or by_y != 0, "mended: take it off the page"
