"""The same triangle in other libraries: what `nox -s peers` recorded."""

import json

import pandas as pd

from evidence.results import DATA, Markdown

RECORD = json.loads((DATA / "peers.json").read_text("utf-8"))
TRIANGLES, NEURONS = (pd.DataFrame(RECORD[part].values()) for part in ("triangles", "neurons"))
braintools, jax = (RECORD["runs"]["3.13"]["versions"][name] for name in ("braintools", "jax"))
VERSIONS = {name: v for run in RECORD["runs"].values() for name, v in run["versions"].items()}
RELUGRAD = TRIANGLES["library"] == "relugrad"
OTHERS = TRIANGLES[~RELUGRAD & TRIANGLES["NaN"].notna()]  # the rest have a formula alone
FAILED = pd.Series(RECORD["failed checks"], name="fails in")
undivided = NEURONS["divided by V_th"].dropna().item()


def table() -> Markdown:
    """Both ways between a library's call and ReluGrad."""
    others = TRIANGLES[~RELUGRAD].fillna("–")
    versions = others["library"].map(VERSIONS).fillna("")
    others["your call"] = (others["library"] + " " + versions).str.strip() + " " + others["call"]
    in_torch = others["library"].isin(["snntorch", "spikingjelly"])
    others.loc[in_torch, "from ReluGrad(alpha, width)"] = "`Triangle` of *From PyTorch to JAX*"
    columns = ["your call", "as ReluGrad", "from ReluGrad(alpha, width)"]
    return Markdown(others[columns].to_markdown(index=False))


def table_of_neurons() -> Markdown:
    """What to pass to the neurons that take a function."""
    shown = NEURONS[["neuron", "write", "which equals"]].dropna()
    return Markdown(shown.to_markdown(index=False))


def table_of_resets() -> Markdown:
    """How neurons reset, and what they do at the threshold."""
    at_zero = OTHERS.drop_duplicates("library").set_index("library")["spike at 0"].astype(int)
    shown = NEURONS[["neuron", "reset", "gradient"]]
    library = NEURONS["library"].replace("brainpy", "braintools")
    shown = shown.assign(**{"spike at x = 0": library.map(at_zero).astype(int)})
    return Markdown(shown.to_markdown(index=False))


def table_of_failed_checks() -> Markdown:
    """Which checks of a rule each fails."""
    shown = FAILED.map(", ".join).replace("", "none").rename("`{}`".format).rename_axis("call")
    return Markdown(shown.to_markdown())


def table_of_versions() -> Markdown:
    """What was compared with what, and when."""
    lines = ["The libraries were compared on a CPU:\n"]
    for run in RECORD["runs"].values():
        names = ", ".join(sorted({*OTHERS["library"], "brainpy"} & {*run["versions"]}))
        lines += [f"- {names}: Python {run['python']}, JAX {run['versions']['jax']}, {run['date']}"]
    return Markdown("\n".join(lines))


def test_relugrad_shows_errors_and_no_other_does() -> None:
    assert TRIANGLES.loc[RELUGRAD, ["vmap", "jvp", "NaN", "error"]].all(axis=None)
    assert not OTHERS[["NaN", "error"]].any(axis=None)


def test_all_in_jax_but_spyx_can_be_mapped_and_differentiated_in_forward_mode() -> None:
    in_jax = OTHERS.dropna(subset=["vmap", "jvp"])
    assert {*in_jax[~in_jax[["vmap", "jvp"]].all(axis=1)]["library"]} == {"spyx"}


def test_only_relugrad_agrees_with_plain_jax_in_each_program() -> None:
    assert list(FAILED[FAILED.str.len() == 0].index) == ["relugrad ReluGrad(alpha, width)(x)"]
    assert "recurrent_scan" in FAILED["braintools ReluGrad(alpha, width)(x)"]
    assert "mesh" in FAILED["ten_lines plain(alpha, width)(x)"]
