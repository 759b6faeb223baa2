"""What the programs of *When a rule goes wrong* print with several versions of JAX."""

import jax

from evidence.results import Markdown

VERSIONS = {"0.6.1": (0, 6, 1), "0.10.2": (0, 10, 2), "0.11.2": (0, 11, 2), "0.12.0.1": (0, 12, 0)}
WRONG = " (wrong)"


def expected(results: list[str]) -> set[str]:
    """What this version of JAX may print: as the newest one in the table that isn't newer."""
    version = jax.__version_info__[:3]
    older = [numbers for numbers in VERSIONS.values() if numbers <= version]
    of_this_version = results[len(older) - 1].removesuffix(WRONG)
    # A later version, or JAX with this setting, may have mended what the newest one gets wrong
    mended = version > max(VERSIONS.values()) or getattr(jax.config, "jax_custom_vjp3", False)
    right = {result for result in results if not result.endswith(WRONG)}
    return {of_this_version, *right} if mended else {of_this_version}


def table(printed: str, rows: dict[str, list[str]]) -> Markdown:
    """The rows, after this version's column was compared with what it printed."""
    found = dict(line.split(": ") for line in printed.splitlines())
    in_table = {result for results in rows.values() for result in results}
    (right,) = {result for result in in_table if not result.endswith((WRONG, "Error"))}
    for row in found.keys() - rows.keys():
        assert found[row] == right, f"{row}: {found[row]}, in the table {right}"
    lines = [["JAX", *VERSIONS], ["---"] * (1 + len(VERSIONS))]
    for row, results in rows.items():
        assert found[row] in expected(results), f"{row}: {found[row]}, in the table {results}"
        lines.append([row, *results])
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))
