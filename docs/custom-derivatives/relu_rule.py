"""What stands in parts 1 to 3 of test_rule.py, to test the relu of write.md."""

import jax
import jax.numpy as jnp
import numpy as np


@jax.custom_vjp
def relu(x, width):
    result = jnp.maximum(x, 0)
    return result + jnp.asarray(0 * width, result.dtype)


def relu_forward(x, width):
    return relu(x, width), (jnp.copy(x), jnp.copy(width))


def relu_backward(residuals, cotangent):
    x, width = residuals
    slope = jax.nn.sigmoid(x / width) + 0 * width
    return (cotangent * slope).astype(cotangent.dtype), None


relu.defvjp(relu_forward, relu_backward)
rule = relu


# 2. What your rule should compute
def value(x, width):
    return jnp.maximum(x, 0)


def change(dx, x, width):
    return dx * jax.nn.sigmoid(x / width)


# 3. Where to try it; the other settings stay as they are
X = jnp.array([-1.5, -0.3, 0.2, 1.7])  # without the corner at 0
PARAMETERS = [(0.3,), (1.0,)]
BAD = [(jnp.nan,), (jnp.inf,)]
between = np.random.default_rng(0).uniform(-2, 2, 1000)
far = np.geomspace(2, 1e30, 500)
POINTS = jnp.array([0, 1e-30, *between, *far, *-far, np.inf, -np.inf])
