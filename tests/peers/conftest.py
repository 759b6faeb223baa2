"""What is kept of pytest-benchmark's own JSON: a line for each parametrization, its turns joined."""

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
    """Each group as lines of a table: the median of the turns, and that of relugrad's ratio in each."""
    turns, rows = defaultdict(list), {}
    for benchmark in output_json["benchmarks"]:
        row = {"group": benchmark["group"], **benchmark["params"], "turn": None}
        key = json.dumps(row)
        turns[key].append(float(f"{benchmark['stats']['median']:.4g}"))
        rows[key] = row | benchmark["extra_info"]
    date, cpu = output_json["datetime"][:10], output_json["machine_info"]["cpu"]
    output_json.clear()
    output_json.update(surroundings(), date=date, cpu=cpu.get("brand_raw"), cores=cpu.get("count"))
    groups: dict[str, list[str]] = {}
    for key, row in rows.items():
        ours = turns.get(json.dumps(json.loads(key) | {"name": "relugrad"}), [])
        ratios = [a / b for a, b in zip(ours, turns[key], strict=False)]
        row["seconds"] = statistics.median(turns[key])
        row["ratio"] = f"{statistics.median(ratios):.3f}" if ratios else ""
        group = str(row.pop("group"))
        del row["turn"]
        lines = groups.setdefault(group, [";".join(row)])
        lines.append(";".join(map(str, row.values())))
    output_json["groups"] = groups
