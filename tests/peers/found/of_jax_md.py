"""The derivative rules of jax-md."""

from typing import Any

import jax
import jax.numpy as jnp
from jax_md import rigid_body, space
from jax_md._energy import electrostatics
from jax_md._nn.uma import kernels
from jax_md._nn.uma.common import rotation
from jax_md.mm_forcefields.nonbonded import electrostatics as forcefield
from jax_md.mm_forcefields.reaxff import reaxff_helper
from tests.peers.found.tried import Tried

from relugrad.testing import Rule

BOX = jnp.array([[2.0, 0.3], [0.0, 1.5]])
POSITIONS = jnp.array([[0.2, 0.4], [0.7, 0.1], [0.5, 0.9]])


def safe_acos() -> Rule:
    """The arc cosine; near -1 and 1, its slope stays below 1 / sqrt(2e-7)."""

    def change(dx: jax.Array, x: jax.Array) -> jax.Array:
        near = jnp.clip(x, -1 + 1e-7, 1 - 1e-7)
        return -dx / jnp.sqrt((1 - near) * (1 + near))

    return Rule(
        rotation.safe_acos,
        jnp.arccos,
        change,
        x=jnp.array([-0.7, -0.4, 0.3, 0.8]),
        domain=(-1.0, 1.0),
        forward_mode=True,
    )


def safe_atan2() -> Rule:
    """An angle."""
    return Rule(
        lambda point: rotation.safe_atan2(*point),
        lambda point: jnp.arctan2(*point),
        x=(jnp.array([-0.7, 0.4, 0.3]), jnp.array([0.5, -1.4, 0.8])),
        forward_mode=True,
    )


def segment_mm() -> Rule:
    """Each row of x times the matrix of its segment."""
    sizes = jnp.array([1, 2])

    def value(arrays: tuple[jax.Array, jax.Array]) -> jax.Array:
        x, matrices = arrays
        return jnp.concatenate([x[:1] @ matrices[0].T, x[1:3] @ matrices[1].T])

    matrices = jnp.cos(jnp.arange(12.0)).reshape(2, 3, 2)
    return Rule(
        lambda arrays: kernels.segment_mm(*arrays, sizes),
        value,
        x=(POSITIONS, matrices),
        domain=(-1e6, 1e6),
        element_by_element=False,
        memory=False,
    )


def safe_sqrt() -> Rule:
    """The square root; its slope is 0 at 0."""

    def change(dx: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.where(x > 0, dx / (2 * jnp.sqrt(jnp.where(x > 0, x, 1))), 0 * dx)

    return Rule(
        reaxff_helper.safe_sqrt,
        jnp.sqrt,
        change,
        x=jnp.array([0.2, 0.4, 0.7, 1.3]),
        domain=(0.0, jnp.inf),
        forward_mode=True,
    )


def rotate() -> Rule:
    """A vector, rotated; its slope by the unit quaternion is tangential."""
    quaternion = jnp.array([0.5, 0.5, -0.1, 0.7])
    unit = quaternion / jnp.linalg.norm(quaternion)

    def matrix_times(q: jax.Array, v: jax.Array) -> jax.Array:
        scalar, vector = q[0], q[1:]
        return (
            (scalar**2 - vector @ vector) * v
            + 2 * (vector @ v) * vector
            + 2 * scalar * jnp.cross(vector, v)
        )

    return Rule(
        lambda v: rigid_body.quaternion_rotate(rigid_body.Quaternion(unit.astype(v.dtype)), v),
        lambda v: matrix_times(unit.astype(v.dtype), v),
        x=jnp.array([0.3, -0.4, 1.2]),
        domain=(-1e6, 1e6),
        element_by_element=False,
        memory=False,
    )


def transform() -> Rule:
    """Positions in a box; by design, their gradients aren't multiplied by it."""

    def in_box(positions: jax.Array) -> jax.Array:
        return space.transform(BOX.astype(positions.dtype), positions)

    return Rule(
        in_box,
        lambda positions: positions @ BOX.astype(positions.dtype).T,
        lambda change, positions: change,
        x=POSITIONS,
        domain=(-1e6, 1e6),
        element_by_element=False,
        forward_mode=True,
    )


def transform_gradients(module: Any) -> Rule:
    """Positions; by design, their gradients are multiplied by a box."""
    return Rule(
        lambda x: module.transform_gradients(BOX.astype(x.dtype), x),
        lambda x: x,
        lambda change, x: change @ BOX.astype(x.dtype).T,
        x=POSITIONS,
        domain=(-1e6, 1e6),
        element_by_element=False,
        forward_mode=True,
    )


BY_DESIGN = "by design, the box multiplies first derivatives, and not second ones"
TRIED = [
    Tried("space.transform", "space.py transform", transform),
    Tried(
        "rigid_body.quaternion_rotate",
        "rigid_body.py _quaternion_rotate",
        rotate,
        remark="in 16 bits, it returns float32; in a scan, it raises an error that we haven't looked into",
    ),
    Tried(
        "safe_acos",
        "_nn/uma/common/rotation.py safe_acos",
        safe_acos,
        remark="its bound of the slope is infinite in 16 bits, as brax's; it follows PyTorch's",
    ),
    Tried("safe_atan2", "_nn/uma/common/rotation.py safe_atan2", safe_atan2),
    Tried(
        "segment_mm",
        "_nn/uma/kernels.py _segment_mm_2d",
        segment_mm,
        remark="x and matrices of different dtypes are an error",
    ),
    Tried("safe_sqrt", "mm_forcefields/reaxff/reaxff_helper.py safe_sqrt", safe_sqrt),
    Tried(
        "transform_gradients, of the energy",
        "_energy/electrostatics.py transform_gradients",
        lambda: transform_gradients(electrostatics),
        remark=BY_DESIGN,
    ),
    Tried(
        "transform_gradients, of the force field",
        "mm_forcefields/nonbonded/electrostatics.py transform_gradients",
        lambda: transform_gradients(forcefield),
        remark=BY_DESIGN,
    ),
]
