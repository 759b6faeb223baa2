"""The same triangle in other libraries: what `nox -s peers` recorded."""

import json
import re

import pandas as pd

from evidence.results import DATA, Markdown

RECORD = json.loads((DATA / "peers.json").read_text("utf-8"))
ROWS = pd.DataFrame(RECORD["rows"].values()).fillna("–")
ROWS["name"] = ROWS["library"].str.split().str[0]
ROWS["your call"] = ROWS["library"] + " " + ROWS["call"]
ROWS["as ReluGrad"] = ROWS["alpha, width"].str.replace("`(", "`ReluGrad(")
ROWS["defaults"] = ROWS["default"].str.replace("alpha=|width=", "", regex=True)
ROWS["defaults"] = ("`" + ROWS["defaults"] + "`").replace("`none`", "–")
# Some can be compared only by their formula.
INSTALLED = ROWS[ROWS["spike at 0"] != "–"]
OURS = INSTALLED.set_index("name").loc["relugrad"]
OTHERS = INSTALLED[INSTALLED["name"] != "relugrad"]

BACK = "from ReluGrad(alpha, width)"
ROWS[BACK] = ROWS["as ReluGrad(alpha, width)"]
IN_TORCH = ROWS["name"].isin(["snntorch", "spikingjelly"])
ROWS.loc[IN_TORCH, BACK] = "`Triangle`, above"
AREA_1 = ROWS[BACK].isin(["`PiecewiseQuadratic(1 / width)(x)`", "`Triangular(width)(x)`"])
ROWS.loc[AREA_1, BACK] += " if `alpha = 1 / width**2`"

NEURONS = pd.DataFrame(RECORD["neurons"].values())
NEURONS["neuron"] = "`" + NEURONS["name"] + "`"
NEURONS["package"] = NEURONS["library"].str.split().str[0]
undivided = NEURONS.set_index("name").loc["brainpy.state.LIF", "divided by V_th"]
SCRIPTS = pd.DataFrame(RECORD["scripts"].values())
APART = SCRIPTS["apart"].astype(float).tolist()


def table() -> Markdown:
    """Both ways between a library's call and ReluGrad."""
    return Markdown(
        ROWS[ROWS["name"] != "relugrad"][["your call", "as ReluGrad", BACK]].to_markdown(
            index=False
        )
    )


def table_of_neurons() -> Markdown:
    """What to pass to the neurons that take a function."""
    call = "`" + NEURONS["keyword"] + "="
    theirs, ours = ("`" + NEURONS["triangles"].str[0].str[which] + "`" for which in (0, 1))
    ours = call + ours.str[1:]
    in_torch = NEURONS["package"].isin(["snntorch", "spikingjelly"])
    ours[in_torch] = call + "spike`, in PyTorch"
    theirs[in_torch] = "–"  # what is passed is no triangle of theirs
    shown = NEURONS[["neuron"]].assign(write=ours)
    shown["which equals"] = theirs
    return Markdown(shown[NEURONS["package"] != "norse"].to_markdown(index=False))


def table_of_resets() -> Markdown:
    """How neurons reset, and what they do at the threshold."""
    at_zero = OTHERS.drop_duplicates("name").set_index("name")["spike at 0"]
    shown = NEURONS[["neuron", "reset", "gradient"]].assign(
        at_zero=NEURONS["package"].replace("brainpy", "braintools").map(at_zero)
    )
    return Markdown(shown.rename(columns={"at_zero": "spike at x = 0"}).to_markdown(index=False))


def table_of_behavior() -> Markdown:
    """What calls do beyond the triangle."""
    columns = ["your call", "defaults", "spike at 0", "vmap", "jvp"]
    return Markdown(INSTALLED[columns].to_markdown(index=False))


DIFFERS = pd.DataFrame(RECORD["programs"]).loc["differs in"].rename("fails in")


def table_of_programs() -> Markdown:
    """In which programs of the test file each isn't what plain JAX gives."""
    return Markdown(DIFFERS.map(", ".join).rename("`{}`".format).to_markdown())


def table_of_versions() -> Markdown:
    """What was compared with what, and when."""
    lines = [
        f"- {', '.join(sorted({*OTHERS['name'], 'brainpy'} & {*run['versions']}))}: Python {run['python']},"
        f" JAX {run['versions']['jax']}, {run['date']}"
        for run in RECORD["runs"].values()
    ]
    return Markdown("\n".join(["The libraries were compared on a CPU:", "", *lines]))


def test_ours_shows_errors_and_no_other_does() -> None:
    assert OURS[["vmap", "jvp", "NaN", "error"]].tolist() == ["yes"] * 4
    assert set(OTHERS["NaN"]) == set(OTHERS["error"]) == {"no"}


def test_scripts_learn_equally_with_equal_triangles() -> None:
    assert max(APART) <= 1e-3
    ends = SCRIPTS["losses"].map(lambda losses: [loss.split()[-1] for loss in losses])
    assert len(ends) == 2
    for _, theirs, ours, default in ends:
        assert theirs == ours
        assert ours != default


def test_only_relugrad_agrees_with_plain_jax_in_each_program() -> None:
    assert list(DIFFERS[DIFFERS.str.len() == 0].index) == ["relugrad ReluGrad(alpha, width)(x)"]
    assert "value beside a gradient of a scan" in DIFFERS["braintools ReluGrad(alpha, width)(x)"]
    assert DIFFERS["ten_lines plain(alpha, width)(x)"][0].startswith("value beside a gradient")


SHARED = r"^(?:\|.*|import jax\n(?s:.+?)update\)\(0\.3, spike\)\))$"


def test_home_and_readme_tell_the_libraries_apart() -> None:
    """In the same lines of code and the same table, of the versions that the record has."""
    home, readme = (
        re.findall(SHARED, (DATA.parents[1] / page).read_text("utf-8"), re.MULTILINE)
        for page in ("docs/index.md", "README.md")
    )
    assert home == readme, "docs/index.md and README.md: make their code and tables equal"
    versions = RECORD["runs"]["3.13"]["versions"]
    assert f"braintools {versions['braintools']}" in home[1]
    assert f"JAX {'.'.join(versions['jax'].split('.')[:2])} " in home[1]
