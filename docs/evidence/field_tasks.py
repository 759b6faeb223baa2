"""The sheet of start values on the field's own tasks."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

from evidence.record import Record, ends, error

SHORT, LONG = Record("field_tasks"), Record("field_tasks_longer")
seeds, longer_seeds = SHORT.seeds, LONG.seeds
NAMES = {"Yin-Yang": "Yin-Yang", "MNIST-1D": "MNIST-1D", "BasicMotions": "Motions"}
NAMES |= {"Randman, 1-D": "Rand- man"}
MAIN, SIGNALS = list(NAMES), ["MNIST-1D", "BasicMotions"]
RATES = SHORT.means("task", "rate", changed="nothing", optimizer="Adam").unstack()
BEST = SHORT.means("task", "changed", optimizer="Adam").unstack()
LONGER = LONG.means("task", "changed", "updates").unstack(["changed", "updates"])
LATE_RATES = LONG.means("task", "rate", changed="nothing").unstack()
SGD = SHORT.means("task", changed="nothing", optimizer="SGD")
# The best that papers report
PUBLISHED = {"Yin-Yang": "99", "MNIST-1D": "94", "BasicMotions": "100"}
# What a line adds, for each seed, at the better of two rates.
OF_LINES = SHORT.outcomes("task", "changed", optimizer="Adam", rate=[0.01, 0.03])
SHEET = OF_LINES.xs("nothing", level="changed")
ADDED = OF_LINES - SHEET.reindex(OF_LINES.index, level="task")
GAINS, ERRORS = ADDED.map(np.mean).unstack(), ADDED.map(error).unstack()
SILENT = SHORT.outcomes("task", "changed", outcome="silent", optimizer="Adam", rate=[0.01, 0.03])
# With the sheet as it is
AS_IT_IS = LONG.means("task", "updates", changed="nothing", rate=0.01).unstack()
more = AS_IT_IS[5000] - RATES.loc[MAIN, 0.01]
least, most = ends(more.drop("BasicMotions"))
# After ten times the updates, at the sheet's learning rate
LATE = LONG.outcomes("task", "changed", rate=0.01)
LATE_ADDED = LATE - LATE.xs("nothing", level="changed").reindex(LATE.index, level="task")
LATE_GAINS, LATE_ERRORS = LATE_ADDED.map(np.mean).unstack(), LATE_ADDED.map(error).unstack()
NOT_MIRRORED = GAINS[["not mirrored", "not mirrored, bias"]].dropna()
not_mirrored, bias_instead = (-NOT_MIRRORED.loc["Yin-Yang"]).map(round)
batch_least, batch_most = ends(GAINS["batch of 100"].dropna())
late_recurrence = -round(LATE_GAINS.loc["MNIST-1D", "not recurrent"])
recurrence, large = (
    -round(GAINS.loc["MNIST-1D", "not recurrent"]),
    round(GAINS.loc["Randman, 1-D", "2 layers of 128"]),
)
# The lines of the sheet that are changed, in the order of their file, and shapes.
LISTED = Path(__file__).parents[1] / "experiments/lines.toml"
FILE = tomllib.loads(LISTED.read_text("utf-8"))
PARTS = [part for part in FILE.values() if isinstance(part, dict)]
ORDER = dict.fromkeys([line for part in PARTS for line in part] + list(GAINS))
LINES = [line for line in ORDER if line in GAINS and line not in ("nothing", "frozen", "linear")]


def rounded(columns: dict[str, pd.Series]) -> pd.DataFrame:
    """A table by task."""
    return percent(pd.DataFrame(columns).loc[SHORT.table["task"].unique()])


def percent(table: pd.DataFrame) -> pd.DataFrame:
    """Nothing where there is no number."""
    return table.map(lambda of: "" if np.isnan(of) else f"{of:.0f}")


def table_of_tasks() -> pd.DataFrame:
    """Accuracies in percent: the sheet, another rate, longer training, and more neurons."""
    return rounded(
        {
            "sheet": RATES[0.01],
            "best rate": BEST["nothing"],
            "2 x": AS_IT_IS[1000],
            "10 x": AS_IT_IS[5000],
            "10 x, best rate": LONGER["nothing", 5000],
            "10 x, 128": LONGER["2 layers of 128", 5000],
        }
    )


def table_of_controls() -> pd.DataFrame:
    """Accuracies in percent of what has no trained hidden layer, and what others reached."""
    columns: dict[str, pd.Series] = {}
    for control in ("frozen", "linear"):
        columns |= {control: BEST[control], f"{control}, 10 x": LONGER[control, 5000]}
    table = rounded(columns)
    table = table[table.ne("").any(axis=1)]
    return table.assign(published=table.index.map(PUBLISHED).fillna(""))


def table_of_rates() -> pd.DataFrame:
    """Accuracies in percent by task, updates and learning rate of Adam."""
    both = pd.concat({"500": RATES, "5,000": LATE_RATES}, names=["updates", "task"]).swaplevel()
    rows = [(task, updates) for task in MAIN for updates in ("500", "5,000")]
    return percent(both.loc[rows]).rename(columns="{:g}".format)


def starred(gains: pd.DataFrame, errors: pd.DataFrame, least: float = 2.0) -> pd.DataFrame:
    """Gains in points; a star: by more than so many standard errors."""
    clear = (gains.abs() > least * errors).map({True: "*", False: ""}.get)
    shown = gains.map("{:+.0f}".format).where(gains.notna(), "") + clear
    return shown.T.rename(columns=NAMES).rename_axis(None, axis=1)


def table_of_lines() -> pd.DataFrame:
    """The points that a change of a line adds."""
    return starred(GAINS.loc[MAIN, LINES], ERRORS.loc[MAIN, LINES])


def table_of_late_lines() -> pd.DataFrame:
    """The points that a change of a line adds after ten times the updates."""
    tasks = ["Yin-Yang", "MNIST-1D"]
    lines = [line for line in LINES if line in FILE["long"]]
    return starred(LATE_GAINS.loc[tasks, lines], LATE_ERRORS.loc[tasks, lines], 3.2)


def test_the_sheet_is_ahead_of_its_frozen_control_but_on_basicmotions() -> None:
    scaled = [*MAIN, "Randman, 2-D", "wine", "breast cancer"]
    ahead = (BEST["nothing"] - BEST["frozen"])[scaled]
    assert ahead.drop("BasicMotions").min() > 7
    two = BEST.filter(like="2 features", axis=0)
    assert (two["nothing"] - two["frozen"]).abs().max() < 4
    late = LONGER["nothing", 5000] - LONGER["frozen", 5000]
    assert late.drop("BasicMotions").min() > 15
    assert max(abs(ahead["BasicMotions"]), abs(late["BasicMotions"])) < 2


def test_longer_training_adds_much_and_on_three_tasks_more_than_another_rate() -> None:
    assert more.drop("BasicMotions").min() > 9
    others = (BEST["nothing"] - RATES[0.01])[MAIN]
    assert (more - others).drop("BasicMotions").min() > 2
    assert abs(more - others)["BasicMotions"] < 3


def test_one_of_both_rates_is_at_most_six_points_from_the_best() -> None:
    rates = RATES.loc[MAIN]
    assert (rates[[0.01, 0.03]].max(axis=1) - rates.max(axis=1)).min() > -6


def test_the_lower_rate_is_for_long_training_but_of_spikes_and_the_higher_one_for_short() -> None:
    late = LATE_RATES.loc[["Yin-Yang", "MNIST-1D"]]
    assert (late[0.003] > late[0.03] + 2).all()
    assert (late[0.003] > late[0.01]).all()
    assert LATE_RATES.loc["Randman, 1-D", 0.03] > LATE_RATES.loc["Randman, 1-D", 0.01]
    early = RATES.loc[["Yin-Yang", "Randman, 1-D"]]
    assert (early[0.03] > early[0.01] + 2).all()


def test_adam_is_better_than_sgd() -> None:
    ahead = BEST.loc[MAIN, "nothing"] - SGD[MAIN]
    assert ahead.drop("BasicMotions").min() > 3
    assert 0 < ahead["BasicMotions"] < 4
    assert ahead[["Yin-Yang", "Randman, 1-D"]].min() > 7
    rates = SHORT.means("task", "rate", changed="nothing", optimizer="SGD").unstack()
    assert rates.idxmax(axis=1)[["Yin-Yang", "Randman, 1-D"]].tolist() == [1.0, 30.0]


def test_without_scaled_features_a_frozen_network_does_better_than_a_trained_one() -> None:
    for name in ("wine", "breast cancer"):
        scaled, not_scaled = BEST.loc[name], BEST.loc[f"{name}, unscaled"]
        assert scaled["nothing"] > max(scaled["frozen"] + 7, not_scaled["nothing"] + 30)
        assert not_scaled["frozen"] > not_scaled["nothing"] + 10
        assert abs(scaled["linear"] - scaled["nothing"]) < 2
    assert BEST.loc["Randman, 2-D", "linear"] > BEST.loc["Randman, 2-D", "nothing"] + 1


def test_a_signal_needs_a_mean_of_0_more_than_scaled_channels() -> None:
    assert BEST.loc["MNIST-1D, shifted", "nothing"] < 12
    assert BEST.loc["BasicMotions, unscaled", "nothing"] > 96


def test_mirror_images_help_on_one_of_three_tasks_with_two_features() -> None:
    gains, twice = NOT_MIRRORED["not mirrored"], 2 * ERRORS["not mirrored"]
    assert gains["Yin-Yang"] < -8
    assert (gains.abs() - twice[gains.index]).drop("Yin-Yang").max() < 0


def test_the_number_of_time_steps_matters_little() -> None:
    assert GAINS[["10 time steps", "40 time steps"]].abs().max(axis=None) < 3


def test_first_weights_should_not_be_much_smaller_or_larger() -> None:
    smaller, larger = GAINS["first weights / 4"], GAINS["first weights x 4"]
    assert smaller[["Yin-Yang", "Randman, 1-D"]].max() < -10
    assert larger["Randman, 1-D"] < -10
    assert larger.drop("Randman, 1-D").abs().max() < 3


def test_a_second_layer_helps_and_so_do_more_neurons_on_randman() -> None:
    one, large = GAINS["1 layer"], GAINS["2 layers of 128"]
    assert one[["Yin-Yang", "Randman, 1-D"]].max() < -8
    assert one[SIGNALS].abs().max() < 4
    assert large["Randman, 1-D"] > 15
    assert large[["Yin-Yang", "MNIST-1D"]].min() > 0
    wide, error = GAINS["1 layer of 128"], ERRORS["1 layer of 128"]
    assert wide["BasicMotions"] < -2 * error["BasicMotions"]
    assert 5 < wide["Randman, 1-D"] < large["Randman, 1-D"] - 5


def test_spikes_need_a_synapse_and_neither_features_nor_mnist_1d_do() -> None:
    assert GAINS["no synapse"].max() < -5
    assert GAINS.loc["MNIST-1D", "synapse"] < -2 * ERRORS.loc["MNIST-1D", "synapse"]
    assert -2 < GAINS.loc["Yin-Yang", "synapse"] < 0


def test_recurrent_weights_help_mnist_1d_and_do_harm_to_features_and_spikes() -> None:
    assert GAINS.loc["MNIST-1D", "not recurrent"] < -6
    assert LATE_GAINS.loc["MNIST-1D", "not recurrent"] < -10
    assert GAINS.loc["BasicMotions", "not recurrent"] > 0
    assert GAINS.loc[["Yin-Yang", "Randman, 1-D"], "recurrent"].max() < -4
    assert LATE_GAINS.loc["Yin-Yang", "recurrent"] < -1
    through = GAINS["recurrent, through a synapse"]
    assert GAINS.loc["Yin-Yang", "recurrent"] + 2 < through["Yin-Yang"]
    assert GAINS.loc["Randman, 1-D", "recurrent"] + 10 < through["Randman, 1-D"] < -20


def test_biases_do_not_help() -> None:
    assert GAINS.loc[["Yin-Yang", "Randman, 1-D"], "bias"].max() < -2
    assert (GAINS["bias"] - 2 * ERRORS["bias"]).max() < 1
    assert (LATE_GAINS["bias"] - 2 * LATE_ERRORS["bias"]).max() < 1


def test_a_longer_decay_helps_spikes_alone_and_a_shorter_one_nothing() -> None:
    assert GAINS.loc[["Yin-Yang", "MNIST-1D"], "decay 0.97"].max() < -2
    assert GAINS.loc["Randman, 1-D", "decay 0.97"] > 3
    for gains, errors in ((GAINS, ERRORS), (LATE_GAINS, LATE_ERRORS)):
        assert (gains["decay 0.8"] - 2 * errors["decay 0.8"]).max() < 0


def test_a_detached_reset_is_never_better_and_worse_on_two_tasks() -> None:
    gain, twice = GAINS["detached reset"], 2 * ERRORS["detached reset"]
    assert gain.max() < 1
    assert (gain + twice)[["BasicMotions", "Randman, 1-D"]].max() < 0
    assert LATE_GAINS["detached reset"].max() < 1


def test_subtracting_is_better_than_a_reset_to_zero() -> None:
    assert (GAINS["reset to zero"] + 2 * ERRORS["reset to zero"]).max() < 0


def test_peak_width_and_shape_matter_little_but_a_peak_of_3_does_harm() -> None:
    near = GAINS.loc[MAIN, ["peak 1", "width 0.5", "width 2", "arctan", "Gaussian", "rectangle"]]
    assert near.abs().max(axis=None) < 5
    assert GAINS["peak 3"].max() < -5
    detached = GAINS["peak 3, detached reset"] - GAINS["detached reset"]
    assert detached[["Yin-Yang", "Randman, 1-D"]].min() > 0
    assert detached["MNIST-1D"] < -20


def test_reading_out_late_is_worse() -> None:
    assert GAINS["read out late"].max() < -1


def test_larger_batches_learn_more_in_each_update() -> None:
    assert GAINS["batch of 100"].dropna().min() > 3


def test_half_of_a_layer_may_be_silent_and_three_quarters_are_too_many() -> None:
    first = SILENT.xs("nothing", level="changed").map(np.mean)
    assert first[["Yin-Yang", "wine", "breast cancer"]].between(40, 60).all()
    for row in SHORT.rows(hidden="trained", layers=[1, 2]).itertuples():
        if np.mean(row.silent) > 75:
            assert row.test.mean() < BEST.loc[row.task.split(",")[0], "nothing"] - 8
