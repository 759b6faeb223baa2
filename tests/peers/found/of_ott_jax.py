"""Ten derivative rules of ott-jax."""

import jax
import jax.numpy as jnp
import numpy as np
from ott.geometry import costs, pointcloud, regularizers
from ott.math import fixed_point_loop, matrix_square_root, utils
from ott.problems.linear import linear_problem
from ott.solvers import linear
from ott.solvers.linear import semidiscrete
from tests.peers.found.tried import Tried

from relugrad.testing import Rule

ROWS = jnp.array([[0.3, -0.8], [0.5, 0.4]])


def norm() -> Rule:
    """The lengths of rows; their slopes are 0 where a row is 0."""

    def value(x: jax.Array) -> jax.Array:
        squares = jnp.sum(x**2, -1)
        return jnp.where(squares == 0, 0, jnp.sqrt(jnp.where(squares == 0, 1, squares)))

    return Rule(
        lambda x: utils.norm(x, None, -1),
        value,
        x=ROWS,
        domain=(-1e6, 1e6),
        element_by_element=False,
        forward_mode=True,
    )


def logsumexp() -> Rule:
    """The logarithm of a sum of exponential functions."""

    def value(x: jax.Array) -> jax.Array:
        return jax.scipy.special.logsumexp(x)

    def change(dx: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.where(x == -jnp.inf, 0, jax.nn.softmax(x, None) * dx))

    return Rule(
        utils.logsumexp,
        value,
        change,
        element_by_element=False,
        forward_mode=True,
    )


def softmin() -> Rule:
    """A smooth minimum, with the length over which it is smooth."""

    def value(x: jax.Array, gamma: jax.Array) -> jax.Array:
        return -gamma * jax.scipy.special.logsumexp(-x / gamma)

    return Rule(
        utils.softmin,
        value,
        parameters=[(0.5,)],
        domain=(-1e6, 1e6),
        element_by_element=False,
    )


def square_root_by_eigenvalues(x: jax.Array) -> jax.Array:
    """A power of a matrix whose eigenvalues are all different."""
    eigenvalues, vectors = jnp.linalg.eigh(x)
    return (vectors * jnp.sqrt(eigenvalues)) @ vectors.T


def positive_definite(x: jax.Array) -> jax.Array:
    """A symmetric matrix without negative eigenvalues."""
    return x @ x.T + jnp.diag(jnp.arange(1, 3, dtype=x.dtype))


def square_roots() -> Rule:
    """The root of a matrix, and its inverse."""

    def value(x: jax.Array) -> list[jax.Array]:
        root = square_root_by_eigenvalues(positive_definite(x))
        return [root, jnp.linalg.inv(root)]

    return Rule(
        lambda x: list(matrix_square_root.sqrtm(positive_definite(x))[:2]),
        value,
        x=ROWS,
        domain=(-10.0, 10.0),
        element_by_element=False,
        second=False,  # JAX has no second derivative of what the rule uses
        memory=False,  # the product is stored, too
        rtol=1e-4,
    )


def square_root() -> Rule:
    """The root of a matrix."""
    return Rule(
        lambda x: matrix_square_root.sqrtm_only(positive_definite(x)),
        lambda x: square_root_by_eigenvalues(positive_definite(x)),
        x=ROWS,
        domain=(-10.0, 10.0),
        element_by_element=False,
        second=False,  # JAX has no second derivative of what the rule uses
        memory=False,  # the product is stored, too
        rtol=1e-4,
    )


def inverse_square_root() -> Rule:
    """The inverse of the root of a matrix."""
    return Rule(
        lambda x: matrix_square_root.inv_sqrtm_only(positive_definite(x)),
        lambda x: jnp.linalg.inv(square_root_by_eigenvalues(positive_definite(x))),
        x=ROWS,
        domain=(-10.0, 10.0),
        element_by_element=False,
        second=False,  # JAX has no second derivative of what the rule uses
        memory=False,  # the product is stored, too
        rtol=1e-4,
    )


def legendre_transform() -> Rule:
    """That of |z|**2 / 2 + |z|, summed up."""
    cost = costs.RegTICost(regularizers.L1(), lam=1.0)

    def value(z: jax.Array) -> jax.Array:
        return jnp.sum(jnp.maximum(abs(z) - 1, 0) ** 2) / 2

    return Rule(
        cost.h_legendre,
        value,
        x=jnp.array([-1.7, -0.4, 0.3, 1.8]),
        domain=(-1e6, 1e6),
        element_by_element=False,
    )


def fixed_point() -> Rule:
    """Heron's method for a square root, six steps."""

    def step(root: jax.Array, x: jax.Array) -> jax.Array:
        return (root + x / root) / 2

    def by_ott(x: jax.Array) -> jax.Array:
        return fixed_point_loop.fixpoint_iter_backprop(
            lambda iteration, x, root: True,
            lambda iteration, x, root, compute_error: step(root, x),
            6,
            6,
            1,
            x,
            jnp.ones_like(x),
        )

    def value(x: jax.Array) -> jax.Array:
        root = jnp.ones_like(x)
        for _ in range(6):
            root = step(root, x)
        return root

    x = jnp.array([0.3, 0.8, 1.7, 3.0])
    return Rule(by_ott, value, x=x, domain=(0.1, 10.0), memory=False)


def sinkhorn() -> Rule:
    """The cost of transport between two sets of points, by 100 steps."""
    to = jnp.array([[0.1, 0.9], [0.7, -0.2], [-0.5, 0.2]])

    def by_ott(x: jax.Array) -> jax.Array:
        geometry = pointcloud.PointCloud(x, to.astype(x.dtype), epsilon=0.5)
        return linear.solve(geometry, threshold=1e-6).reg_ot_cost

    def value(x: jax.Array) -> jax.Array:
        cost = jnp.sum((x[:, None] - to.astype(x.dtype)) ** 2, -1)

        def step(_: int, g: jax.Array) -> jax.Array:
            f = -0.5 * jax.nn.logsumexp((g - cost) / 0.5 - np.log(3), 1)
            return -0.5 * jax.nn.logsumexp((f[:, None] - cost) / 0.5 - np.log(len(x)), 0)

        g = jax.lax.fori_loop(0, 100, step, jnp.zeros(len(to), x.dtype))
        f = -0.5 * jax.nn.logsumexp((g - cost) / 0.5 - np.log(3), 1)
        return f.mean() + g.mean()

    return Rule(
        by_ott,
        value,
        x=ROWS,
        domain=(-2.0, 2.0),
        element_by_element=False,
        second=False,
        memory=False,
        rtol=1e-3,
    )


def semidiscrete_loss() -> Rule:
    """Minus the dual objective, for a potential of three points."""
    to = jnp.array([[0.1, 0.9], [0.7, -0.2], [-0.5, 0.2]])

    def by_ott(g: jax.Array) -> jax.Array:
        points = ROWS.astype(g.dtype), to.astype(g.dtype)
        geometry = pointcloud.PointCloud(*points, epsilon=0.5)
        return semidiscrete._semidiscrete_loss(g, linear_problem.LinearProblem(geometry))

    def value(g: jax.Array) -> jax.Array:
        cost = jnp.sum((ROWS[:, None] - to) ** 2, -1).astype(g.dtype)
        f = -0.5 * jax.nn.logsumexp((g - cost) / 0.5 - np.log(3), 1)
        return -(f.mean() + g.mean())

    return Rule(
        by_ott,
        value,
        x=jnp.array([0.3, -0.4, 0.2]),
        domain=(-100.0, 100.0),
        element_by_element=False,
        memory=False,
    )


TRIED = [
    Tried("ott.math.utils.norm", "math/utils.py norm", norm, {"ott_norm": "edges"}),
    Tried(
        "ott.math.utils.logsumexp", "math/utils.py logsumexp", logsumexp, {"ott_logsumexp": "nan"}
    ),
    Tried("ott.math.utils.softmin", "math/utils.py softmin", softmin, {"ott_softmin": "one_call"}),
    Tried("ott.math.matrix_square_root.sqrtm", "math/matrix_square_root.py sqrtm", square_roots),
    Tried(
        "ott.math.matrix_square_root.sqrtm_only",
        "math/matrix_square_root.py sqrtm_only",
        square_root,
    ),
    Tried(
        "ott.math.matrix_square_root.inv_sqrtm_only",
        "math/matrix_square_root.py inv_sqrtm_only",
        inverse_square_root,
    ),
    Tried("ott.geometry.costs.RegTICost.h_legendre", "geometry/costs.py fn", legendre_transform),
    Tried(
        "ott.math.fixed_point_loop.fixpoint_iter_backprop",
        "math/fixed_point_loop.py fixpoint_iter_backprop",
        fixed_point,
        {"ott_fixed_point": "points"},
    ),
    Tried(
        "ott.solvers.linear.solve",
        "solvers/linear/sinkhorn.py _iterations_implicit",
        sinkhorn,
        remark="a value, and no derivative: a point that is NaN doesn't make the cost NaN",
    ),
    Tried(
        "the loss of ott.solvers.linear.semidiscrete",
        "solvers/linear/semidiscrete.py _semidiscrete_loss",
        semidiscrete_loss,
    ),
]
