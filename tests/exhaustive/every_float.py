"""Check ReluGrad on every float16, every bfloat16 and every float32 that there is.

``python tests/exhaustive/every_float.py`` prints a table, and fails on any mismatch. For each pair
of alpha and width, and each bit pattern x, it checks:

- The spike is 1 for x >= 0, 0 for x < 0 and NaN for NaN, bit for bit.
- The gradient that ``jax.vjp`` returns is the slope, and the slope is even, bit for bit.
- The slope is within 1.5 ulp of the exact value inside of the support, 0 from its edge on, and NaN
  for NaN. Inside it may be 0 only where the exact value is below the smallest normal number.
- A 16-bit slope is the float32 slope of the same x, rounded once.

XLA on the CPU reads x as 0 where it is subnormal in float32. So does the expected value here: all
negative subnormals spike, and they are the only negative numbers that do.

The exact value is computed in float64, where a difference and a product are rounded once each:
``reference`` is off by less than 2**-51 of itself, which is 2**-27 ulp of a float32. For a sample
it is compared with rational arithmetic, which does not round, and so is the worst error found.
"""

import argparse
import dataclasses
import datetime
import json
import math
import platform
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from tqdm import tqdm

from relugrad import ReluGrad

DTYPES = {"float16": jnp.float16, "bfloat16": jnp.bfloat16, "float32": jnp.float32}
PAIRS = [
    (0.3, 1.0),
    (3.0, 0.1),
    (1e-30, 1e30),
    (1e30, 1e-30),
    (1e30, 1e30),  # the slope overflows all over the support
    (2.7, 3.4e38),  # in two thirds of it
    (1e-30, 1e-10),  # the slope underflows all over the support
    (1e-30, 1e-7),  # near its edge
    (1e30, 1e-36),  # nowhere, but width - |x| is subnormal near the edge
]
COLUMNS = {
    "dtype": 8,
    "alpha": 6,
    "width": 8,
    "checked": 13,
    "mismatches": 10,
    "worst ulp": 9,
    "worst at": 10,
    "flushed to 0": 13,
    "spikes below 0": 14,
    "NaN": 10,
}
CHUNK = 2**16  # few enough for the intermediate results to stay in the cache
SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)


@dataclasses.dataclass
class Row:
    """What was found for one dtype and one pair of alpha and width: a row of the table."""

    dtype: str
    alpha: float
    width: float
    checked: int = 0
    mismatches: int = 0
    worst_ulp: float = 0.0
    worst_at: float = 0.0
    flushed_to_0: int = 0
    spikes_below_0: int = 0
    nan: int = 0


def non_negative(dtype: str) -> Iterator[Any]:
    """All bit patterns without a sign, in chunks. Their order is that of the values; NaN is last."""
    bits = np.dtype(f"u{jnp.dtype(dtype).itemsize}")
    stop = 2 ** (8 * bits.itemsize - 1)
    for start in tqdm(range(0, stop, CHUNK), desc=dtype, leave=False, disable=None):
        yield np.arange(start, min(start + CHUNK, stop), dtype=bits)


def check(dtype: str, surrogate: ReluGrad, patterns: Iterable[Any]) -> Row:
    """Check the values of chunks of bit patterns, each in the order as above, and their negatives."""
    kind, info = DTYPES[dtype], jnp.finfo(DTYPES[dtype])
    bits = np.dtype(f"u{info.bits // 8}").type
    sign = bits(1 << info.bits - 1)
    one, infinity = (np.asarray(value, kind).view(bits) for value in (1, np.inf))
    row = Row(dtype, *parameters(surrogate))

    def compare(results: Any, expected: Any) -> None:
        row.mismatches += int(np.count_nonzero(results != expected))

    for pattern in patterns:
        x = pattern.view(kind)
        with np.errstate(invalid="ignore"):  # half of the NaNs are signalling
            wide = x.astype(np.float32)
        # From these indices on, x is a normal number, outside of the support, and NaN.
        normal = np.searchsorted(wide, np.float32(SMALLEST_NORMAL))
        edge = np.searchsorted(wide, np.float32(row.width))
        nan = np.searchsorted(wide, np.float32(np.inf), side="right")

        above = [np.asarray(y).view(bits) for y in outputs(surrogate, x)]
        below = [np.asarray(y).view(bits) for y in outputs(surrogate, (pattern | sign).view(kind))]
        spikes, _, slopes = above
        compare(spikes[:nan], one)
        compare(below[0][:normal], one)
        compare(below[0][normal:nan], 0)
        for same in (above[1], *below[1:]):
            compare(same[:nan], slopes[:nan])
        compare(slopes[edge:nan], 0)
        for output in (*above, *below):
            compare((output[nan:] & ~sign) > infinity, True)
        if info.bits < 32:
            once = np.asarray(outputs(surrogate, wide)[2]).astype(kind)
            compare(slopes[:nan], once[:nan].view(bits))

        wide[:normal] = 0
        exact = reference(surrogate, wide[:edge])
        slope = slopes[:edge].view(kind).astype(np.float64)
        flushed = (slope == 0) & (exact < float(info.tiny))
        error = np.where(flushed, 0, ulps(slope, exact, info))
        compare(error <= promised_ulps(info), True)

        row.checked += 2 * x.size
        row.flushed_to_0 += 2 * int(np.count_nonzero(flushed))
        row.spikes_below_0 += int(np.count_nonzero(below[0][:nan]) - np.count_nonzero(pattern == 0))
        row.nan += 2 * int(x.size - nan)
        if edge and not error.max() <= row.worst_ulp:
            row.worst_ulp, row.worst_at = float(error.max()), float(x[error.argmax()])
    confirm(row, surrogate)
    return row


def parameters(surrogate: ReluGrad) -> tuple[float, float]:
    """Alpha and width, as rounded to float32."""
    alpha, width = (float(np.asarray(p, np.float32)) for p in (surrogate.alpha, surrogate.width))
    return alpha, width


@jax.jit
def outputs(surrogate: ReluGrad, x: Array) -> tuple[Array, Array, Array]:
    """Spikes, gradients and slopes, in one pass."""
    spikes, pullback = jax.vjp(surrogate, x)
    (gradients,) = pullback(jnp.ones_like(spikes))
    return spikes, gradients, surrogate.surrogate_grad(x)


def reference(surrogate: ReluGrad, magnitude: Any) -> Any:
    """The slope inside of the support, in float64, within 2**-51 of itself."""
    alpha, width = parameters(surrogate)
    return alpha * (width - magnitude.astype(np.float64))


def ulps(slope: Any, exact: Any, info: Any) -> Any:
    """The distance in units of the exact value's last place; inf counts as the next power of 2."""
    overflow = 2.0**info.maxexp
    slope, exact = np.minimum(slope, overflow), np.minimum(exact, overflow)
    # A float64 whose fraction bits are cleared is the power of 2 below it. First four steps down,
    # which is more than the error of the reference: where that rounded up to a power of 2, the
    # unit is still the smaller one, of the exact value.
    power = ((exact.view(np.int64) - 4) & (0x7FF << 52)).view(np.float64)
    unit = np.maximum(power * float(info.eps), float(info.smallest_subnormal))
    return np.abs(slope - exact) / unit


def promised_ulps(info: Any) -> float:
    """1.5 for float32. For 16 bits what these amount to there, and 0.5 for the rounding."""
    return 1.5 if info.bits == 32 else 0.5 + 1.5 * 2.0**-24 / float(info.eps)


def confirm(row: Row, surrogate: ReluGrad) -> None:
    """Compute a sample and the worst error again, in rational arithmetic."""
    kind, info = DTYPES[row.dtype], jnp.finfo(DTYPES[row.dtype])
    bits = f"u{info.bits // 8}"
    largest = int(np.asarray(info.max).view(bits))
    sample = np.random.default_rng(0).integers(0, largest, 2000, bits).view(kind)
    x = np.append(sample, np.asarray(row.worst_at, kind))
    magnitudes = x.astype(np.float64)
    x, magnitudes = x[magnitudes < row.width], magnitudes[magnitudes < row.width]
    magnitudes[magnitudes < SMALLEST_NORMAL] = 0
    slopes = np.asarray(surrogate.surrogate_grad(x)).astype(np.float64)
    alpha, width = map(Fraction, parameters(surrogate))
    error = 0.0
    for magnitude, slope, close in zip(
        magnitudes, slopes, reference(surrogate, magnitudes), strict=True
    ):
        exact = alpha * (width - Fraction(magnitude))
        flushed = slope == 0 and exact < float(info.tiny)
        error = 0.0 if flushed else rational_ulps(slope, exact, info)
        row.mismatches += not error <= promised_ulps(info)
        row.mismatches += abs(Fraction(close) - exact) > exact / 2**51
    row.worst_ulp = error  # of the last one, which is the worst


def rational_ulps(slope: float, exact: Fraction, info: Any) -> float:
    """The same as ``ulps``, of one value and without any rounding."""
    if math.isnan(slope):
        return math.nan
    overflow = 2.0**info.maxexp
    slope, exact = min(slope, overflow), min(exact, Fraction(overflow))
    power = Fraction(2) ** (exact.numerator.bit_length() - exact.denominator.bit_length())
    power /= 1 if power <= exact else 2
    unit = max(power * Fraction(float(info.eps)), Fraction(float(info.smallest_subnormal)))
    return float(abs(Fraction(slope) - exact) / unit)


def line(cells: Iterable[Any]) -> str:
    """One line of the table."""
    formats = {int: ",", float: ".5g", str: ""}
    return " ".join(
        f"{cell:{formats[type(cell)]}}".rjust(size)
        for cell, size in zip(cells, COLUMNS.values(), strict=True)
    )


def main(arguments: Sequence[str] | None = None) -> bool:
    """Check what the command line asks for. Return whether anything is wrong."""
    parser = argparse.ArgumentParser(description="Check ReluGrad on every float that there is.")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the table as JSON")
    options = parser.parse_args(arguments)
    # Once glibc has seen a block of 30 MB freed, it keeps the memory of smaller ones for the next,
    # and no longer maps each intermediate array anew: a third of the time.
    np.empty(30 * 2**20, np.uint8)
    start, rows = time.perf_counter(), []
    print(line(COLUMNS))
    for dtype in options.dtype:
        for alpha, width in PAIRS:
            row = check(dtype, ReluGrad(alpha, width), non_negative(dtype))
            rows.append(dataclasses.replace(row, alpha=alpha, width=width))
            print(line(dataclasses.astuple(rows[-1])), flush=True)
    seconds = round(time.perf_counter() - start)
    wrong = sum(row.mismatches for row in rows)
    print(f"{wrong:,} mismatches; {seconds} s")
    if options.record:
        record = {
            "date": datetime.date.today().isoformat(),
            "device": f"{jax.devices()[0].device_kind}, {platform.machine()}",
            "python": platform.python_version(),
            "jax": jax.__version__,
            "numpy": np.__version__,
            "seconds": seconds,
            "rows": [dataclasses.asdict(row) for row in rows],
        }
        options.record.write_text(json.dumps(record, indent=1) + "\n")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
