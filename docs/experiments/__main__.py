"""Run the experiments: `python docs/experiments [record] [quick] [NAME ...]`.

An experiment is a module with a function `run`, which returns rows. In a row, numbers and strings
are the settings, and arrays the outcomes, one for each seed. `quick` takes few seeds and few steps, and
some of the settings where each costs a compilation. Settings that the record lacks end in an error.
"""

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from experiments.record import FILE, as_text, run, settings

NAMES = [
    "quickstart",
    "reset",
    "memory",
    "width",
    "spike_times",
    "dead",
    "online",
    "bfloat16",
    "digits",
]


def main(arguments):
    """Run what is asked for, two at a time, and show how long each took."""
    quick = "quick" in arguments
    names = [name for name in NAMES if name in arguments] or NAMES
    recorded = json.loads(FILE.read_text()) if FILE.exists() else {}
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(run, name, quick): name for name in names}
        for future in as_completed(running):
            name, found = running[future], future.result()
            print(f"{name}: {found['question']}")
            print(f"    {len(found['rows'])} settings, {found['seconds']} s", flush=True)
            if "record" in arguments:
                recorded[name] = found
            else:
                known = settings(recorded[name]["rows"])
                if any(row not in known for row in settings(found["rows"])):
                    sys.exit(f"{name}: the record lacks some of these settings; record it again")
    if "record" in arguments:
        FILE.write_text(as_text(recorded))


if __name__ == "__main__":
    main(sys.argv[1:])
