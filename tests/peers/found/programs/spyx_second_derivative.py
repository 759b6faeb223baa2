"""spyx: second derivatives use the slope of a step, 0, in place of the surrogate's."""

import jax
from spyx.axn import tanh

spike = tanh(1.0)
slope = jax.grad(spike)


def product(x):
    return spike(x) * spike(0.7 * x)


def slope_of_product(x):  # by the product rule, with spyx's own slope
    return slope(x) * spike(0.7 * x) + 0.7 * spike(x) * slope(0.7 * x)


first, again = jax.grad(product)(0.3), jax.grad(jax.grad(product))(0.3)
right = jax.grad(slope_of_product)(0.3)
print(f"first derivative: {first:.3f}, by hand: {slope_of_product(0.3):.3f}")
print(f"second derivative: {again:.3f}, by hand: {right:.3f}")
assert abs(again - right) > 0.01, "mended: take it off the page"
