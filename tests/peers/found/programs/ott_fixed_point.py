"""ott-jax: gradients of a loop with a fixed number of steps are wrong."""

import jax
import jax.numpy as jnp
from ott.math.fixed_point_loop import fixpoint_iter_backprop


def power_of_6(x, min_iterations):
    """The product 1 * x * ... * x of six steps."""
    return fixpoint_iter_backprop(
        lambda iteration, x, product: True,
        lambda iteration, x, product, compute_error: product * x,
        min_iterations,
        6,  # max_iterations
        1,
        x,
        jnp.ones(()),
    )


x = 1.5
print(f"value: {power_of_6(x, 6):.4f}, right: {x**6:.4f}")
fixed, free = (jax.grad(power_of_6)(x, min_iterations) for min_iterations in (6, 5))
print(f"gradient: {fixed:.4f}, with fewer min_iterations: {free:.4f}, right: {6 * x**5:.4f}")
assert abs(fixed - 6 * x**5) > 0.01, "mended: take it off the page"
