"""What is kept of pytest-benchmark's own JSON: a row for each parametrization, its turns joined."""

import json
import statistics
from collections import defaultdict
from typing import Any

import pytest

from tests.peers.others import HERE, newer, surroundings

RECORD = HERE.parents[1] / "docs/_data/benchmarks.json"


def pytest_report_header() -> list[str]:
    """Say what is newer than when the record was made."""
    return newer(json.loads(RECORD.read_text())["versions"]) if RECORD.exists() else []


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """The median of each turn, the median of these, and what they were measured with."""
    medians, rows = defaultdict(list), {}
    for benchmark in output_json["benchmarks"]:
        row = {"group": benchmark["group"], **benchmark["params"], "turn": None}
        key = json.dumps(row)
        medians[key].append(float(f"{benchmark['stats']['median']:.4g}"))
        rows[key] = row | benchmark["extra_info"]
    date, cpu = output_json["datetime"][:10], output_json["machine_info"]["cpu"]
    output_json.clear()
    output_json.update(surroundings(), date=date, cpu=cpu.get("brand_raw"), cores=cpu.get("count"))
    output_json["rows"] = [
        {name: value for name, value in row.items() if name != "turn"}
        | {"seconds": statistics.median(medians[key]), "turns": medians[key]}
        for key, row in rows.items()
    ]
