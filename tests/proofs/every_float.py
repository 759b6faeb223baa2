"""Check ReluGrad on every float32 that there is.

``python tests/proofs/every_float.py`` prints a table, and fails on any mismatch. For each pair of alpha and width, and each of the 2**32 bit patterns x, it checks:

- The spike is 1 for x >= 0, 0 for x < 0 and NaN for NaN.
- The gradient that ``jax.vjp`` returns is the slope, and the slope is even, bit for bit.
- The slope is within 1.5 ulp of the exact value inside of the support, 0 from its edge on, and NaN
  for NaN.

XLA on the CPU takes x for 0 where it is subnormal: so negative subnormals may spike, and they are
counted. The exact value is computed in float64, in which a difference and a product of float32 are
rounded once each: it is off by less than 2**-27 ulp of a float32.
"""

import dataclasses
import sys
import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from relugrad import ReluGrad

# With none of them, the slope inside or what it is made of is below the smallest normal number.
PAIRS = [(0.3, 1.0), (3.0, 0.1), (1e30, 1e-30)]
CHUNK = 2**18
SIGN = np.uint32(2**31)
ONE, INFINITY, SMALLEST_NORMAL = (
    int(np.float32(value).view(np.uint32)) for value in (1, np.inf, np.finfo(np.float32).tiny)
)


@dataclasses.dataclass
class Row:
    """What was found for one pair of alpha and width: a row of the table."""

    alpha: float
    width: float
    checked: int = 0
    mismatches: int = 0
    worst_ulp: float = 0.0
    spikes_below_0: int = 0
    nan: int = 0


@jax.jit
def outputs(surrogate: ReluGrad, x: Array) -> tuple[Array, Array, Array]:
    """Spikes, gradients and slopes, as bit patterns."""
    spikes, pullback = jax.vjp(surrogate, x)
    (gradients,) = pullback(jnp.ones_like(spikes))
    results = spikes, gradients, surrogate.surrogate_grad(x)
    return jax.tree.map(lambda y: jax.lax.bitcast_convert_type(y, jnp.uint32), results)


def chunks() -> Iterator[Any]:
    """All bit patterns without a sign, in the order of the values; NaN is last."""
    for start in range(0, 2**31, CHUNK):
        yield np.arange(start, start + CHUNK, dtype=np.uint32)


def ulps(slopes: Any, x: Any, surrogate: ReluGrad) -> Any:
    """The distance of slopes from the exact ones, in units of the exact value's last place."""
    alpha, width = (float(np.asarray(p, np.float32)) for p in (surrogate.alpha, surrogate.width))
    exact = alpha * (width - x.astype(np.float64))
    # The fraction cleared, a float64 is the power of 2 below it. First four steps down, which is more
    # than the error of ``exact``: where that rounded up to a power of 2, the unit is the smaller one.
    power = ((exact.view(np.int64) - 4) & (0x7FF << 52)).view(np.float64)
    return np.abs(slopes.view(np.float32) - exact) / (power * 2.0**-23)


def check(alpha: float, width: float) -> Row:
    """Check all values and their negatives."""
    surrogate, row = ReluGrad(alpha, width), Row(alpha, width)
    edge_of_all = int(np.float32(width).view(np.uint32))
    for pattern in chunks():
        # From these indices on, x is a normal number, outside of the support, and NaN.
        borders = (SMALLEST_NORMAL, edge_of_all, INFINITY + 1)
        normal, edge, nan = np.searchsorted(pattern, np.array(borders, np.uint32))
        above = [np.asarray(y) for y in outputs(surrogate, pattern.view(np.float32))]
        below = [np.asarray(y) for y in outputs(surrogate, (pattern | SIGN).view(np.float32))]
        slopes = above[2]
        wrong = [
            above[0][:nan] != ONE,
            below[0][:nan][pattern[:nan] == 0] != ONE,  # -0
            below[0][normal:nan] != 0,
            slopes[edge:nan] != 0,
            *(y[:nan] != slopes[:nan] for y in (above[1], *below[1:])),
            *((y[nan:] & ~SIGN) <= INFINITY for y in (*above, *below)),
        ]
        if edge:
            x = np.where(np.arange(edge) < normal, 0, pattern[:edge]).astype(np.uint32)
            errors = ulps(slopes[:edge], x.view(np.float32), surrogate)
            wrong.append(~(errors <= 1.5))
            row.worst_ulp = max(row.worst_ulp, round(float(errors.max()), 4))
        row.mismatches += sum(int(np.count_nonzero(mask)) for mask in wrong)
        row.checked += 2 * pattern.size
        row.spikes_below_0 += int(np.count_nonzero(below[0][:normal][pattern[:normal] > 0]))
        row.nan += 2 * int(pattern.size - nan)
    return row


def main() -> bool:
    """Check all pairs. Return whether anything is wrong."""
    start, wrong = time.perf_counter(), 0
    print("".join(f"{field.name:>15}" for field in dataclasses.fields(Row)))
    for pair in PAIRS:
        row = check(*pair)
        wrong += row.mismatches
        print("".join(f"{value:>15,}" for value in dataclasses.astuple(row)), flush=True)
    print(f"{wrong:,} mismatches; {time.perf_counter() - start:.0f} s")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
