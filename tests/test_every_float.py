"""The checks of `exhaustive/every_float.py`: on every 16-bit value, and on a million float32."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.typing import ArrayLike

from relugrad import ReluGrad, relu_grad
from tests.exhaustive.every_float import DTYPES, PAIRS, SMALLEST_NORMAL, check, main, non_negative

RECORD = Path(__file__).parents[1] / "docs/_data/every-float.json"


@dataclasses.dataclass(frozen=True, eq=False)
class Off(ReluGrad):
    """A ReluGrad that is a little wrong, and whose gradient is its slope all the same."""

    threshold: float = 0.0
    steeper: float = 1.0
    wider: float = 1.0
    gain: float = 1.0

    def __call__(self, x: ArrayLike) -> jax.Array:
        """Spikes."""
        return relu_grad(x - self.threshold, self.alpha * self.steeper, self.width * self.wider)

    def surrogate_grad(self, x: ArrayLike) -> jax.Array:
        """Slope."""
        right = ReluGrad(self.alpha * self.steeper, self.width * self.wider)
        return self.gain * right.surrogate_grad(x - self.threshold)


def sample(width: float) -> Any:
    """Every 4099th float32 without a sign, and a hundred on both sides of each border."""
    borders = np.array([0, SMALLEST_NORMAL, width, np.finfo(np.float32).max, np.inf], np.float32)
    around = borders.view(np.int32)[:, None] + np.arange(-100, 101)
    last = 2**31 - 1  # a NaN
    patterns = np.concatenate([around.ravel(), np.arange(0, last, 4099), [last]])
    return np.unique(patterns[(patterns >= 0) & (patterns <= last)]).astype(np.uint32)


@pytest.fixture(scope="module")
def record() -> Any:
    """The table on the page, as it was written."""
    return json.loads(RECORD.read_text())


def test_every_16_bit_value_gives_the_table_on_the_page(
    record: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program finds no mismatch, prints each row, and writes what the page shows."""
    assert not main(["--dtype", "float16", "bfloat16", "--record", str(tmp_path / "record.json")])
    rows = json.loads((tmp_path / "record.json").read_text())["rows"]
    assert rows == [row for row in record["rows"] if row["dtype"] != "float32"]
    assert {row["checked"] for row in rows} == {2**16}
    header, *lines, total = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["dtype", "alpha", "width"]
    assert [line.split()[:3] for line in lines] == [
        [row["dtype"], f"{row['alpha']:g}", f"{row['width']:g}"] for row in rows
    ]
    assert total.startswith("0 mismatches")


@pytest.mark.parametrize(("alpha", "width"), PAIRS)
def test_a_million_float32(alpha: float, width: float) -> None:
    """No mismatch; and each NaN and each negative subnormal in the sample was met."""
    patterns = sample(width)
    row = check("float32", ReluGrad(alpha, width), [patterns])
    x = patterns.view(np.float32)
    assert row.mismatches == 0
    assert row.checked == 2 * x.size > 10**6
    assert row.nan == 2 * np.count_nonzero(np.isnan(x)) > 2000
    assert row.spikes_below_0 == np.count_nonzero((x > 0) & (x < SMALLEST_NORMAL)) > 2000


def test_the_page_is_about_every_float_and_these_pairs(record: Any) -> None:
    """The counts of bit patterns follow from the formats: sign, exponent, fraction."""
    rows = {(row["dtype"], row["alpha"], row["width"]): row for row in record["rows"]}
    assert list(rows) == [(dtype, *pair) for dtype in DTYPES for pair in PAIRS]
    for (dtype, *_), row in rows.items():
        size, fraction = {"float16": (16, 10), "bfloat16": (16, 7), "float32": (32, 23)}[dtype]
        subnormal = 2**fraction - 1
        assert row["checked"] == 2**size
        assert row["nan"] == 2 * subnormal
        assert row["spikes_below_0"] == (0 if dtype == "float16" else subnormal)
        assert row["mismatches"] == 0
        assert row["worst_ulp"] <= 1.5


@pytest.mark.parametrize("fault", ["threshold", "steeper", "wider", "gain"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_fault_is_found(dtype: str, fault: str) -> None:
    """Spikes that miss 0, and a slope that is off by a few ulp of float32, or is not the gradient."""
    patterns = [sample(1.0)] if dtype == "float32" else list(non_negative(dtype))
    few_ulp = 1 + 2.0 ** (-21 if dtype == "float32" else -16)
    tiny = float(jnp.finfo(DTYPES[dtype]).tiny)
    sizes: dict[str, Any] = {
        "threshold": tiny,
        "steeper": few_ulp,
        "wider": few_ulp,
        "gain": np.nan,
    }
    right = Off(0.3, 1.0)
    wrong = dataclasses.replace(right, **{fault: sizes[fault]})
    assert check(dtype, right, patterns).mismatches == 0
    assert check(dtype, wrong, patterns).mismatches > 0
