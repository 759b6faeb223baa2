"""A plugin of pytest: what of the benchmarks is kept, the times, and where and with what they were measured."""

import importlib.metadata
import subprocess
import sys
from typing import Any

import jax
from packaging.requirements import Requirement

from tests.benchmarks.test_training import NETWORK, SWEPT

PACKAGES = {  # and the module of each that has the function
    "relugrad": "relugrad",
    "braintools": "braintools.surrogate",
    "spyx": "spyx.axn",
    "snnax": "snnax.functional.surrogate",
    "norse": "norse.torch.functional.threshold",
    "snntorch": "snntorch.surrogate",
    "spikingjelly": "spikingjelly.activation_based.surrogate",
}
IMPORT = """
import jax, sys, time, types
for name in ["snnax.snn.init", "snnax.functional.functional"]:
    sys.modules[name] = types.ModuleType(name)  # which the wheel of snnax 0.0.1 lacks
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""


def _dependencies(package: str) -> set[str]:
    """All packages that are installed with it, and itself."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _bytes(package: str) -> int:
    files = importlib.metadata.files(package) or []
    assert any(file.suffix == ".py" for file in files), (
        f"{package} is not installed as a user has it"
    )
    return sum(f.size or 0 for f in files if "__pycache__" not in f.parts)


def _package(package: str) -> dict[str, Any]:
    source = IMPORT.format(module=PACKAGES[package])
    program = [sys.executable, "-W", "ignore", "-c", source]
    seconds = [
        float(subprocess.run(program, capture_output=True, check=True).stdout) for _ in "123"
    ]
    return {
        "version": importlib.metadata.version(package),
        "import after jax": min(seconds),
        "bytes": _bytes(package),
        "dependencies": len(_dependencies(package)) - 1,
    }


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Keep what the page shows, and nothing that names the machine's owner."""
    machine = output_json["machine_info"]
    rows = [
        {
            "group": benchmark["group"],
            **benchmark["extra_info"],
            "seconds": benchmark["stats"]["min"],
            "median": benchmark["stats"]["median"],
            "rounds": benchmark["stats"]["rounds"],
        }
        for benchmark in output_json["benchmarks"]
    ]
    device = jax.devices()[0]
    kept = {
        "date": output_json["datetime"][:10],
        "python": machine["python_version"],
        "jax": jax.__version__,
        "torch": importlib.metadata.version("torch"),
        "device": f"{device.platform}: {device.device_kind}",
        "cpu": machine["cpu"].get("brand_raw", machine["processor"]),
        "cores": machine["cpu"].get("count"),
        "packages": {package: _package(package) for package in PACKAGES},
        "network": NETWORK,
        "swept": SWEPT,
        "rows": rows,
    }
    output_json.clear()
    output_json.update(kept)
