"""What both mutation scripts do with their counts."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def kept(counts: dict[str, int], file: Path | None, session: str, record: str) -> bool:
    """Write the counts to the file. Without one, say whether they are those that the site shows."""
    text = json.dumps(counts) + "\n"
    if file:
        file.write_text(text, encoding="utf-8")
    elif (ROOT / record).read_text(encoding="utf-8") != text:
        print(f"{record} is stale: python -m nox --session {session} -- --record {record}")
        return False
    return True
