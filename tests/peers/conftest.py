"""What is kept of pytest-benchmark's own JSON: a row for each name in each group, its turns joined."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from tests.peers.others import surroundings


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """The median of the turns, and that of the ratios of relugrad's time to it in each turn."""
    turns, info = defaultdict(list), {}
    for benchmark in output_json["benchmarks"]:
        key = benchmark["group"], benchmark["params"]["name"]
        turns[key].append(benchmark["stats"]["median"])
        info[key] = benchmark["extra_info"]
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (group, name), seconds in turns.items():
        ratios = np.divide(turns[group, "relugrad"], seconds)
        row = {"name": name, **info[group, name]}
        row["seconds"] = float(f"{np.median(seconds):.4g}")
        row["ratio"] = round(float(np.median(ratios)), 3)
        groups[group].append(row)
    used = surroundings(["braintools", "spyx"])
    date, cpu = output_json["datetime"][:10], output_json["machine_info"]["cpu"]
    output_json.clear()
    output_json.update(used, date=date, cpu=cpu.get("brand_raw"), cores=cpu.get("count"))
    output_json["groups"] = groups
