"""The same triangle in other libraries: what `nox -s peers` recorded."""

import json

import pandas as pd

from evidence.results import DATA, Markdown

RECORD = json.loads((DATA / "peers.json").read_text("utf-8"))
TRIANGLES, NEURONS = (pd.DataFrame(RECORD[part].values()) for part in ("rows", "neurons"))
for rows in (TRIANGLES, NEURONS):
    rows["package"] = rows["library"].str.split().str[0].replace("brainpy", "braintools")
OURS = TRIANGLES["package"] == "relugrad"
OTHERS = TRIANGLES[~OURS & TRIANGLES["vmap"].notna()]  # others have a formula alone
DIFFERS = pd.DataFrame(RECORD["programs"]).loc["differs in"].rename("fails in")
undivided = NEURONS["divided by V_th"].dropna().item()


def table() -> Markdown:
    """Both ways between a library's call and ReluGrad."""
    others = TRIANGLES[~OURS].fillna("–")
    others["your call"] = others["library"] + " " + others["call"]
    in_torch = others["package"].isin(["snntorch", "spikingjelly"])
    others.loc[in_torch, "from ReluGrad(alpha, width)"] = "`Triangle` of *From PyTorch to JAX*"
    columns = ["your call", "as ReluGrad", "from ReluGrad(alpha, width)"]
    return Markdown(others[columns].to_markdown(index=False))


def table_of_neurons() -> Markdown:
    """What to pass to the neurons that take a function."""
    shown = NEURONS[NEURONS["package"] != "norse"][["neuron", "write", "which equals"]]
    return Markdown(shown.to_markdown(index=False))


def table_of_resets() -> Markdown:
    """How neurons reset, and what they do at the threshold."""
    at_zero = OTHERS.drop_duplicates("package").set_index("package")["spike at 0"]
    shown = NEURONS[["neuron", "reset", "gradient"]]
    shown = shown.assign(**{"spike at x = 0": NEURONS["package"].map(at_zero)})
    return Markdown(shown.to_markdown(index=False))


def table_of_programs() -> Markdown:
    """Which checks of a rule each fails."""
    shown = DIFFERS.map(", ".join).replace("", "none").rename("`{}`".format).rename_axis("call")
    return Markdown(shown.to_markdown())


def table_of_versions() -> Markdown:
    """What was compared with what, and when."""
    lines = ["The libraries were compared on a CPU:\n"]
    for run in RECORD["runs"].values():
        names = ", ".join(sorted({*OTHERS["package"], "brainpy"} & {*run["versions"]}))
        lines += [f"- {names}: Python {run['python']}, JAX {run['versions']['jax']}, {run['date']}"]
    return Markdown("\n".join(lines))


def test_ours_shows_errors_and_no_other_does() -> None:
    assert (TRIANGLES.loc[OURS, ["vmap", "jvp", "NaN", "error"]] == "yes").all(axis=None)
    assert (OTHERS[["NaN", "error"]] == "no").all(axis=None)
    rigid = OTHERS[(OTHERS[["vmap", "jvp"]] == "no").any(axis=1)]
    assert {*rigid["package"]} == {"spyx", "norse", "snntorch", "spikingjelly"}


def test_only_relugrad_agrees_with_plain_jax_in_each_program() -> None:
    assert list(DIFFERS[DIFFERS.str.len() == 0].index) == ["relugrad ReluGrad(alpha, width)(x)"]
    assert "recurrent_scan" in DIFFERS["braintools ReluGrad(alpha, width)(x)"]
    assert "mesh" in DIFFERS["ten_lines plain(alpha, width)(x)"]


def test_the_comparison_with_braintools_names_its_versions() -> None:
    page = (DATA.parent / "reference/other-libraries.md").read_text("utf-8")
    versions = RECORD["runs"]["3.13"]["versions"]
    assert f"| relugrad | braintools {versions['braintools']} |" in page
    assert f"| With JAX {'.'.join(versions['jax'].split('.')[:2])} on a CPU |" in page
